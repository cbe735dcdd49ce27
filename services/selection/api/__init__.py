"""HTTP in, a module a matter."""

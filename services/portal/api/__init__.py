"""HTTP in: pages and forms."""

"""HTTP in: routes translate requests and call use cases."""

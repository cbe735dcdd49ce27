"""SQL of the portal's own database."""

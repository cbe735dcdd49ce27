"""What a page needs, got together from the services."""

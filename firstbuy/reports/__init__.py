"""What reports are made of: a page, its charts, its words."""

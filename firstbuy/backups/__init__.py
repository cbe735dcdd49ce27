"""A backup of all databases as one set, and how it is put back."""

"""Documents outside the database: the object store, what a file really is, and whether it carries a virus."""

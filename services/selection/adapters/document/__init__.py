"""A pack as a document to be filed: what it says (`sheet`), in which words, how it is set (`pack.typ`)."""

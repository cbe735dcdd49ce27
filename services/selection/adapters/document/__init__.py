"""A pack as a document to be filed: its contents (`sheet`), its texts (`words`), and its layout (`pack.typ`)."""

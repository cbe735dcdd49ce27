"""HTTP in: one module per subject."""

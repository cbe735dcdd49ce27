"""HTTP in: requests are translated, a use case is called."""

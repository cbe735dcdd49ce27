"""Adapters of the public registries. Each asks once and answers for every subject it was asked about, or fails."""

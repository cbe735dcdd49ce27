"""Adapters of the public registries' interfaces. Each asks once and answers for all it was asked, or fails."""

"""Reads values and documents as people write them, strictly, and says in words what is wrong with them."""

"""Values and documents as people write them, read strictly, and what is wrong with them in words."""

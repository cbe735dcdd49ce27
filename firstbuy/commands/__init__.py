"""The commands of `firstbuy`, by subject."""

"""A table of purchase requests that an institution uploads: one row is one inbox message."""

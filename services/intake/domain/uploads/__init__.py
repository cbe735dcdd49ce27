"""A table of purchase requests that an institution uploads: each row is one inbox message."""

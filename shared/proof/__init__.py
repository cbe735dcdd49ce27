"""Hashes, trees, signatures, beacons and time-stamps: what makes a result checkable by anybody."""

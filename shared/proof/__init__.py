"""Hashes, trees, signatures, beacons and time-stamps, by which anybody can check a result."""

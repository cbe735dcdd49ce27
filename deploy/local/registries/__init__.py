"""The public registries on one machine: the same interfaces over records of our own, for tests, demo and rehearsals."""

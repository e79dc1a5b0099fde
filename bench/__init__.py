"""The benchmark: `make bench`. This server beside its peers and its ceilings, measured in turns, in one run."""

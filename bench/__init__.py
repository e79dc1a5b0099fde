"""The benchmark, `make bench`: this server, its peers and upper bounds, measured in turn in one run."""

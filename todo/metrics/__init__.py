"""Numbers for Prometheus: counted by each process, added up and shown by one of them."""

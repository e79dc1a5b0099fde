"""HTTP mechanics that know nothing of tasks: connections, bodies, endpoints, errors, conditional requests."""

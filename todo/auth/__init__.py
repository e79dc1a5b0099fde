"""From an Authorization header to a Caller, for tokens of any issuer."""

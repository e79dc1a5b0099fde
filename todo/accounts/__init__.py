"""Built-in accounts: sign-up, sign-in, sessions, API tokens, signing keys."""

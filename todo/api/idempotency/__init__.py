"""Idempotency-Key: an answer is stored with the write, and replayed to a repeated request."""

"""Agents: the assistants that a user lets in, what each may do and did, and taking it back."""

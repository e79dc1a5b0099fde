"""Accounts: who somebody is, and who calls."""

"""The docs as their readers use them: every block of code in them."""

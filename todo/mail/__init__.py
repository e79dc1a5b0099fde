"""Mail: messages, and their delivery to the server that SMTP_URL names, out of the way of requests."""

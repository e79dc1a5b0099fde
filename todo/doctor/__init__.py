"""`todo doctor`: what of a deployment is right, what is not, and what to do about it."""

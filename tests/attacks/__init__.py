"""Rows of the attack list: somebody tries to forge, steal, double or read what is not his."""

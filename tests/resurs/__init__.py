"""The Resurs Bank adapter."""

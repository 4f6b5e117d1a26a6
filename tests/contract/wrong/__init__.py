"""Providers that are wrong in one way each, so that the contract can be seen to notice."""

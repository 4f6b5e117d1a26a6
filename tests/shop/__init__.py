"""The little shop that the tests use."""

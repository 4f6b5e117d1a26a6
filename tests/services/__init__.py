"""Races, kills and outages on real services: real databases, a real broker, real processes."""

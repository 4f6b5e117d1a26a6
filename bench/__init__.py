"""The webhook endpoint beside a bare view that inserts one row: ``python -m bench``, see docs/bench.md."""

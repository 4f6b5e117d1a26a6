"""A small shop that runs as real processes. The tests never import it: its Celery app would become theirs."""

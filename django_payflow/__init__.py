"""django-payflow: payments for Django shops. See README.md; the story of a payment starts in ``flow``."""

__version__ = "0.1.0"

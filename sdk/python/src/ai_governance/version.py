"""The version of this package, as its User-Agent names it."""

__version__ = "1.2.0"

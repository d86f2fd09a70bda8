"""Why a measurement does not count."""


class BenchFailed(Exception):
    """Something answered wrongly or not at all; numbers would mislead."""


class Missing(Exception):
    """A tool is not on this machine; the message says which, and how to get it."""

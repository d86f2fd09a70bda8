"""What a view returns, and with it every helper that makes a view's answer."""

from typing import TypeAlias

from werkzeug.wrappers import Response

ViewResponse: TypeAlias = Response | str | tuple[str, int]
"""A text is a page with the status 200, or with the one beside it. Flask would take more; mypy sees a slip in less."""

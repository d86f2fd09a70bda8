"""The frame of every page of the documentation: navigation, what comes before and after, version and last change."""

from typing import Any

from flask import Response, render_template

from core.current import settings
from portal.docs.changelog import last_change
from portal.docs.contents import contents, neighbours

API_VERSION = "v1"


def docs_page(name: str, *, path: str, **context: Any) -> str:
    base_url = settings().base_url
    before, after = neighbours(path, base_url=base_url)
    return render_template(
        f"portal/docs/{name}.html",
        groups=contents(base_url=base_url),
        path=path,
        before=before,
        after=after,
        base_url=base_url,
        api_version=API_VERSION,
        last_change=last_change(),
        **context,
    )


def moved(path: str) -> Response:
    """For good, so that browsers and search engines go there at once."""
    return Response(status=308, headers={"Location": path})

"""Pages and parts of pages: the same address gives a browser the page and htmx the block that changes."""

from typing import Any

from flask import Flask, Response, make_response, render_template, request
from htmx_flask import Htmx
from jinja2_fragments.flask import render_block

_extension = Htmx()


def init_app(app: Flask) -> None:
    _extension.init_app(app)

    @app.after_request
    def vary(answer: Response) -> Response:
        if answer.mimetype == "text/html":
            answer.vary.update(["HX-Request", "HX-History-Restore-Request"])
        return answer


def is_htmx() -> bool:
    """Whether the request comes from a script of the page, not from the browser itself."""
    return request.headers.get("HX-Request") == "true"


def wants_block() -> bool:
    """Whether htmx asks for the part that changes, not for a whole page."""
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page_or_block(template: str, block: str, *, status: int = 200, **context: Any) -> Response:
    """The page, or for htmx its block of that name."""
    html = render_block(template, block, **context) if wants_block() else render_template(template, **context)
    return make_response(html, status)


def see_other(path: str) -> Response:
    """Leads to another page after a form: 303, or for htmx the header that makes the browser go there."""
    if is_htmx():
        return Response(status=204, headers={"HX-Redirect": path})
    return Response(status=303, headers={"Location": path})

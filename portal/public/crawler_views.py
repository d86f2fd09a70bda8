"""What search engines read: which pages there are, and which are not for them."""

from flask import Response, render_template

from core.access import Audience, Pages, open_to
from core.current import settings
from core.views import ViewResponse
from legal_docs.documents.kinds import Kind
from portal.docs.contents import contents

bp = Pages("crawlers", __name__)

KEPT = {"Cache-Control": "public, max-age=3600"}
PAGES = ("/", "/pricing", "/security", "/changelog", "/status", "/legal", "/sign-up", "/log-in")
CLOSED = (
    "/console",
    "/account",
    "/organization",
    "/keys",
    "/team",
    "/support",
    "/_sandbox",
    "/v1",
    "/api",
    "/access",
)
"""Pages of members lead strangers to the log-in; crawlers need not find that out for each."""


@bp.get("/robots.txt")
@open_to(Audience.ANYBODY)
def robots() -> ViewResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in CLOSED), f"Sitemap: {settings().base_url}/sitemap.xml"]
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8", headers=KEPT)


@bp.get("/sitemap.xml")
@open_to(Audience.ANYBODY)
def sitemap() -> ViewResponse:
    page = render_template("portal/public/sitemap.xml", base_url=settings().base_url, paths=_paths())
    return Response(page, content_type="application/xml; charset=utf-8", headers=KEPT)


def _paths() -> list[str]:
    documents = [f"/legal/{kind.value.replace('_', '-')}" for kind in Kind]
    docs = [entry.path for group in contents(base_url=settings().base_url) for entry in group.entries]
    return [*PAGES, *documents, "/docs", *docs]

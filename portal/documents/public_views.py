"""The documents for everybody, at addresses that stay: as a page, as the exact Markdown, as PDF, and as differences."""

from typing import Any

from flask import Response, render_template

from core.access import Access, Pages, open_to, visitor_or_none
from core.clock import utc_now
from core.errors import NotFound
from legal_docs.acceptances.receipts import version_pdf
from legal_docs.documents import html, redline
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import TITLES, Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.register import changes
from legal_docs.register import services as register
from legal_docs.register.responses import changes_for

bp = Pages("legal", __name__, url_prefix="/legal")


@bp.get("")
@open_to(Access.ANYBODY)
def index() -> Any:
    now = utc_now()
    return render_template(
        "portal/documents/public.html",
        kinds=[(kind, TITLES[kind], documents.current(kind, now=now), documents.newest(kind)) for kind in Kind],
        now=now,
    )


@bp.get("/sub-processors")
@open_to(Access.ANYBODY)
def sub_processors() -> Any:
    """The register as it stands; members see and answer what is announced."""
    who = visitor_or_none()
    return render_template(
        "portal/documents/sub_processors.html",
        register=register.register(),
        announced=changes.announced(),
        history=changes.every_change(),
        own=changes_for(who.seat.organization_id, now=utc_now()) if who and who.seat else [],
    )


@bp.get("/<name>")
@open_to(Access.ANYBODY)
def show(name: str) -> Any:
    """The version in effect, or the newest if none is yet."""
    kind = _kind(name)
    version = documents.current(kind, now=utc_now()) or documents.newest(kind)
    if version is None:
        return render_template("portal/documents/unpublished.html", title=TITLES[kind])
    return _page(version)


@bp.get("/<name>/<number>")
@open_to(Access.ANYBODY)
def show_version(name: str, number: str) -> Any:
    bare, _, ending = number.rpartition(".") if number.endswith((".md", ".pdf")) else (number, "", "")
    version = documents.find(_kind(name), bare)
    if ending == "md":
        return _file(version, version.content, "text/markdown; charset=utf-8", "md")
    if ending == "pdf":
        return _file(version, version_pdf(version), "application/pdf", "pdf")
    return _page(version)


@bp.get("/<name>/<old>/changes/<new>")
@open_to(Access.ANYBODY)
def differences(name: str, old: str, new: str) -> Any:
    kind = _kind(name)
    before, after = documents.find(kind, old), documents.find(kind, new)
    return render_template(
        "portal/documents/redline.html",
        before=before,
        after=after,
        name=name,
        lines=redline.redline(before.markdown, after.markdown),
    )


def _page(version: LegalVersion) -> Any:
    kind = Kind(version.kind)
    return render_template(
        "portal/documents/document.html",
        version=version,
        name=name_of(kind),
        page=html.to_page(version.markdown),
        versions=documents.history(kind),
        now=utc_now(),
    )


def _file(version: LegalVersion, content: bytes, content_type: str, ending: str) -> Response:
    """A published version never changes, so it may be kept."""
    return Response(
        content,
        content_type=content_type,
        headers={
            "Content-Disposition": f'inline; filename="{version.file_name}.{ending}"',
            "Cache-Control": "public, max-age=86400",
            "X-Document-SHA256": version.sha256,
        },
    )


def name_of(kind: Kind) -> str:
    """How addresses name a document."""
    return kind.value.replace("_", "-")


def _kind(name: str) -> Kind:
    try:
        return Kind(name.replace("-", "_"))
    except ValueError:
        raise NotFound("There is no such document. The list is at /legal.") from None

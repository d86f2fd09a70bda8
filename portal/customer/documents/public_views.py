"""The documents for everybody, at addresses that stay: as a page, as the exact Markdown, as PDF, and as differences."""

from flask import Response, render_template

from core import atom
from core.access import ROLES_OF, Audience, Pages, current_user_or_none, open_to
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import NotFound
from core.views import ViewResponse
from legal_docs import changelog, links
from legal_docs.acceptances import view_log
from legal_docs.acceptances.receipts import version_pdf
from legal_docs.acceptances.view_log import ViewKind
from legal_docs.documents import html, redline
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import TITLES, Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.register import changes
from legal_docs.register import services as register
from legal_docs.register.responses import changes_for
from portal.customer.documents.signing import usable_link

bp = Pages("legal", __name__, url_prefix="/legal")


@bp.get("")
@open_to(Audience.ANYBODY)
def index() -> ViewResponse:
    now = utc_now()
    return render_template(
        "portal/customer/documents/public.html",
        kinds=[(kind, TITLES[kind], documents.current(kind, now=now), documents.newest(kind)) for kind in Kind],
        now=now,
    )


@bp.get("/sub-processors")
@open_to(Audience.ANYBODY)
def sub_processors() -> ViewResponse:
    """The register as it stands; members see and answer what is announced."""
    who = current_user_or_none()
    return render_template(
        "portal/customer/documents/sub_processors.html",
        register=register.register(),
        announced=changes.announced(),
        history=changes.every_change(),
        own=changes_for(who.membership.organization_id, now=utc_now()) if who and who.membership else [],
    )


@bp.get("/changes.atom")
@open_to(Audience.ANYBODY)
def feed() -> ViewResponse:
    """Versions and changes of the register, for whoever follows them by a feed reader."""
    base_url = settings().base_url
    content = atom.feed(
        changelog.entries(base_url=base_url),
        title="AI Governance: legal documents and sub-processors",
        page_url=f"{base_url}{links.DOCUMENTS}",
        feed_url=f"{base_url}{links.FEED}",
        now=utc_now(),
    )
    return Response(content, content_type=atom.ATOM_TYPE)


@bp.get("/<name>")
@open_to(Audience.ANYBODY)
def show(name: str) -> ViewResponse:
    """The version in effect, or the newest if none is yet."""
    kind = _kind(name)
    version = documents.current(kind, now=utc_now()) or documents.newest(kind)
    if version is None:
        return render_template("portal/customer/documents/unpublished.html", title=TITLES[kind])
    return _page(version)


@bp.get("/<name>/<number>")
@open_to(Audience.ANYBODY)
def show_version(name: str, number: str) -> ViewResponse:
    version, ending = _version_named(name, number)
    answer = _shown(version, ending)
    who = current_user_or_none()
    if who and who.membership and who.membership.role in ROLES_OF[Audience.ADMIN]:
        with transaction():
            view_log.note(
                who.membership.organization_id, version, _view_kind(ending), user_id=who.user_id, now=utc_now()
            )
    return answer


@bp.get("/sign/<token>/<name>/<number>")
@open_to(Audience.ANYBODY)
def show_to_signer(token: str, name: str, number: str) -> ViewResponse:
    """As `show_version`, for who came by a link: what they open and download is part of the evidence."""
    with acting_as_system(), transaction():
        delegation = usable_link(token, now=utc_now())
        version, ending = _version_named(name, number)
        answer = _shown(version, ending, root=f"/legal/sign/{token}/{name}")
        view_log.note(
            delegation.organization_id, version, _view_kind(ending), delegation_id=delegation.id, now=utc_now()
        )
    return answer


@bp.get("/<name>/<old>/changes/<new>")
@open_to(Audience.ANYBODY)
def differences(name: str, old: str, new: str) -> ViewResponse:
    kind = _kind(name)
    before, after = documents.find(kind, old), documents.find(kind, new)
    return render_template(
        "portal/customer/documents/redline.html",
        before=before,
        after=after,
        name=name,
        lines=redline.redline(before.markdown, after.markdown),
    )


def _version_named(name: str, number: str) -> tuple[LegalVersion, str]:
    """`1.0`, `1.0.md` or `1.0.pdf`: the version, and how its address ends."""
    bare, _, ending = number.rpartition(".") if number.endswith((".md", ".pdf")) else (number, "", "")
    return documents.find(_kind(name), bare), ending


def _view_kind(ending: str) -> ViewKind:
    return ViewKind.DOWNLOADED if ending else ViewKind.OPENED


def _shown(version: LegalVersion, ending: str, *, root: str | None = None) -> ViewResponse:
    if ending == "md":
        return _file(version, version.content, "text/markdown; charset=utf-8", "md")
    if ending == "pdf":
        return _file(version, version_pdf(version), "application/pdf", "pdf")
    return _page(version, root=root)


def _page(version: LegalVersion, *, root: str | None = None) -> ViewResponse:
    """`root` is the address below which its files are, if it is not the public one."""
    kind = Kind(version.kind)
    return render_template(
        "portal/customer/documents/document.html",
        version=version,
        name=name_of(kind),
        root=root or f"/legal/{name_of(kind)}",
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
        raise NotFound("Document not found. All documents are listed at /legal.") from None

"""Addresses that programs know: to report security faults (RFC 9116), to see what runs here, to change a password."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from flask import Response

from api.ledger import evidence
from core.access import Audience, Pages, open_to
from core.clock import utc_now
from core.current import settings
from core.errors import NotFound
from core.formats import iso
from core.htmx import see_other
from core.views import ViewResponse

bp = Pages("well_known", __name__, url_prefix="/.well-known")

_BILL = Path(__file__).parents[3] / "docs" / "sbom.cdx.json"
_GOOD_FOR = timedelta(days=180)
"""RFC 9116 recommends less than a year."""


@bp.get("/security.txt")
@open_to(Audience.ANYBODY)
def security() -> Response:
    contact, base_url = settings().security_email, settings().base_url
    if not contact:
        raise NotFound
    lines = (
        f"Contact: mailto:{contact}",
        f"Expires: {iso(_midnight(utc_now() + _GOOD_FOR))}",
        "Preferred-Languages: en",
        f"Policy: {base_url}/security#report",
        f"Canonical: {base_url}/.well-known/security.txt",
    )
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@bp.get("/sbom")
@open_to(Audience.ANYBODY)
def sbom() -> Response:
    """What the software is made of (RFC 9472), as CycloneDX."""
    return Response(_BILL.read_bytes(), content_type="application/vnd.cyclonedx+json; version=1.6")


@bp.get("/decision-log-keys.json")
@open_to(Audience.ANYBODY)
def decision_log_keys() -> Response:
    """What heads of decision logs are signed with, for whoever verifies one."""
    return Response(msgspec.json.encode({"keys": evidence.keys_as_data()}), content_type="application/json")


@bp.get("/change-password")
@open_to(Audience.ANYBODY)
def change_password() -> ViewResponse:
    """Password managers lead people here."""
    return see_other("/account/security")


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)

"""Hands in what a tool found, signed with EVIDENCE_KEY, to the service that it is for."""

import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

from core import signed_bodies
from core.clock import utc_now
from core.settings import Settings
from portal.console.launch.evidence import Evidence
from portal.console.launch.evidence_views import PATH

TIMEOUT_S = 15


def hand_in(evidence: Evidence, settings: Settings, *, url: str | None = None) -> bool:
    """Whether it was taken, or there is no key with which it could have been signed."""
    if not settings.evidence_key:
        sys.stdout.write("Not handed in: EVIDENCE_KEY is not set, so the launch board does not know of it.\n")
        return True
    body = msgspec.json.encode(evidence)
    signature = signed_bodies.sign(body, key=settings.evidence_key, now=utc_now())
    target = f"{(url or settings.base_url).rstrip('/')}{PATH}"
    headers = {"Content-Type": "application/json", signed_bodies.HEADER: signature}
    try:
        with urlopen(Request(target, data=body, headers=headers), timeout=TIMEOUT_S):  # noqa: S310  our own address
            sys.stdout.write(f"Handed in at {target}.\n")
            return True
    except HTTPError as refused:
        sys.stderr.write(f"{target} answered {refused.code}: {_detail(refused.read())}\n")
    except OSError as error:
        sys.stderr.write(f"{target} could not be reached: {error}.\n")
    return False


def _detail(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["detail"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "no reason was given."

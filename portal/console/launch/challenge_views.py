"""What we answer to a challenge, so that the launch board knows whether the public address leads to us."""

from flask import Response

from core.access import Audience, Pages, open_to
from core.current import settings
from core.errors import NotFound
from portal.console.launch.challenge import LONGEST, PATH, response_to

bp = Pages("launch_challenge", __name__)


@bp.get(f"{PATH}<challenge>")
@open_to(Audience.ANYBODY)
def answer(challenge: str) -> Response:
    if len(challenge) > LONGEST:
        raise NotFound
    made = response_to(challenge, secret_key=settings().secret_key)
    return Response(made, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})

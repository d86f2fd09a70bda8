"""Where the mail provider hands in what comes to our address for support."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from core import current
from core.bearer import bears
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import AppError, NotFound
from portal.support.inbound import storing
from portal.support.inbound.bounded import MOST_BYTES

bp = Blueprint("inbound_mail", __name__)


class TokenRefused(AppError):
    status, code, title = HTTPStatus.UNAUTHORIZED, "token_refused", "Invalid token"
    advice = "Send Authorization: Bearer with INBOUND_MAIL_TOKEN."


class MailEmpty(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "mail_empty", "Empty request body"
    advice = "Send the raw email message as the request body."


@bp.post("/webhooks/inbound-mail")
def receive() -> Response:
    """204 once it is kept, as it came; the worker reads it. Whatever else is answered, it may be handed in again."""
    token = current.settings().inbound_mail_token
    if token is None:
        raise NotFound
    if not bears(request.headers.get("Authorization"), (token,)):
        raise TokenRefused
    request.max_content_length = MOST_BYTES
    raw = request.get_data()
    if not raw:
        raise MailEmpty
    with acting_as_system(), transaction():
        storing.store(raw, now=utc_now())
    return Response(status=HTTPStatus.NO_CONTENT)

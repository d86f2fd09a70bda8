"""Where the mail provider hands in what comes to our address for support."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from core import current
from core.bearer import bears
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import AppError, NotFound
from portal.support import inbound, mails

bp = Blueprint("inbound_mail", __name__)


class TokenRefused(AppError):
    status, code, title = HTTPStatus.UNAUTHORIZED, "token_refused", "This token is not the right one"
    advice = "Send Authorization: Bearer with INBOUND_MAIL_TOKEN."


@bp.post("/webhooks/inbound-mail")
def receive() -> Response:
    """204 once it is kept; whatever else is answered, the provider may hand it in again."""
    token = current.settings().inbound_mail_token
    if token is None:
        raise NotFound
    if not bears(request.headers.get("Authorization"), (token,)):
        raise TokenRefused
    request.max_content_length = mails.MOST_BYTES
    mail = mails.read(request.get_data())
    with acting_as_system(), transaction():
        inbound.take(mail, now=utc_now())
    return Response(status=HTTPStatus.NO_CONTENT)

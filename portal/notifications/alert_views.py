"""Where Alertmanager tells us of alerts. Without a token in the settings there is no such address."""

from http import HTTPStatus

import msgspec
from flask import Blueprint, Response, request

from core.bearer import bears
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import AppError, InvalidRequest, NotFound, fault_of
from portal.notifications import alerts

bp = Blueprint("alertmanager", __name__)

PATH = "/webhooks/alertmanager"
MOST_BYTES = 1_000_000


class WrongAlertToken(AppError):
    status, code, title = HTTPStatus.UNAUTHORIZED, "wrong_alert_token", "Invalid token"
    advice = "Send the ALERTMANAGER_TOKEN of this installation as a bearer token (credentials in http_config)."


@bp.post(PATH)
def receive() -> Response:
    """204 for what was understood, news or not."""
    token = settings().alertmanager_token
    if not token:
        raise NotFound
    if not bears(request.headers.get("Authorization"), (token,)):
        raise WrongAlertToken
    with acting_as_system(), transaction():
        alerts.store(_read(request.get_data(cache=False)), now=utc_now())
    return Response(status=204)


def _read(body: bytes) -> alerts.AlertReport:
    if len(body) > MOST_BYTES:
        raise InvalidRequest("The request body is too large for an Alertmanager message.")
    try:
        return msgspec.json.decode(body, type=alerts.AlertReport)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=(fault_of(error),)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            "The body is not valid JSON. Send the payload of Alertmanager's webhook_configs."
        ) from error

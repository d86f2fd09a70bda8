"""Reading the local mailbox. Whoever can open it can open accounts, so it is there on a trial machine only."""

from uuid import UUID

from flask import Response, render_template
from sqlalchemy import select

from core.access import Audience, Pages, open_to
from core.db import acting_as_system, db
from core.errors import NotFound
from core.mail import MailMessage, attachments_of, has_local_mailbox, make_file
from core.views import ViewResponse

bp = Pages("mailbox", __name__, url_prefix="/mailbox")

MOST = 100


@bp.get("")
@open_to(Audience.ANYBODY)
def index() -> ViewResponse:
    _need_mailbox()
    with acting_as_system():
        messages = db.session.scalars(select(MailMessage).order_by(MailMessage.id.desc()).limit(MOST)).all()
        return render_template("local/mailbox/index.html", messages=messages)


@bp.get("/<uuid:mail_id>")
@open_to(Audience.ANYBODY)
def show(mail_id: UUID) -> ViewResponse:
    _need_mailbox()
    with acting_as_system():
        message = db.session.get(MailMessage, mail_id)
        if message is None or message.text is None:
            raise NotFound("There is no such message.")
        return render_template("local/mailbox/show.html", message=message, attachments=attachments_of(message))


@bp.get("/<uuid:mail_id>/<int:place>.pdf")
@open_to(Audience.ANYBODY)
def attachment(mail_id: UUID, place: int) -> ViewResponse:
    _need_mailbox()
    with acting_as_system():
        message = db.session.get(MailMessage, mail_id)
        found = attachments_of(message) if message else []
        if place >= len(found):
            raise NotFound("There is no such file.")
        return Response(make_file(found[place]), content_type="application/pdf")


def _need_mailbox() -> None:
    if not has_local_mailbox():
        raise NotFound

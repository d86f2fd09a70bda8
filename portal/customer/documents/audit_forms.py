"""What a customer says who books an audit."""

from typing import Any
from uuid import UUID

from wtforms import BooleanField, DateField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from core.errors import InvalidRequest
from core.forms import Form, OneLine, stripped
from legal_docs import figures
from legal_docs.audits.services import Booking
from legal_docs.audits.states import CAUSE_NAMES, KIND_NAMES, AuditKind, Cause


class AuditForm(Form):
    """`once` is made with the page, so that what is sent twice is booked once."""

    once = StringField(validators=[DataRequired("Reload this page.")])
    kind = SelectField("Type", choices={kind.value: name for kind, name in KIND_NAMES.items()})
    cause = SelectField("Reason", choices={cause.value: name for cause, name in CAUSE_NAMES.items()})
    starts_on = DateField(
        "First day",
        validators=[DataRequired("Choose the first day.")],
        description=f"At least {figures.AUDIT_NOTICE_DAYS} days ahead, for a penetration test"
        f" {figures.PENETRATION_TEST_NOTICE_DAYS}. After a breach, or if an authority requires it, sooner.",
    )
    ends_on = DateField("Last day", validators=[DataRequired("Choose the last day.")])
    scope = TextAreaField(
        "Scope",
        description="What you want to look at: measures, records, places, systems.",
        filters=[stripped],
        validators=[DataRequired("Say what you want to look at."), Length(max=5000)],
        render_kw={"rows": 4},
    )
    auditor = StringField(
        "Auditor",
        description="Names and company of whoever carries it out.",
        filters=[stripped],
        validators=[DataRequired("Name the auditor."), Length(max=300), OneLine()],
    )
    is_bound = BooleanField(
        "The auditor is bound to secrecy and does not compete with us",
        validators=[DataRequired("Confirm that the auditor is bound to secrecy and does not compete with us.")],
    )

    def once_id(self) -> UUID:
        """Raises InvalidRequest."""
        try:
            return UUID(self.once.data)
        except ValueError as error:
            raise InvalidRequest("Reload the page and try again.") from error

    def booking(self) -> Booking:
        given: dict[str, Any] = {name: self[name].data for name in ("scope", "auditor", "starts_on", "ends_on")}
        return Booking(kind=AuditKind(self.kind.data), cause=Cause(self.cause.data), **given)

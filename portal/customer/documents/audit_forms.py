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
        description=f"Give {figures.AUDIT_NOTICE_DAYS} days' notice ({figures.PENETRATION_TEST_NOTICE_DAYS} for a "
        "penetration test). Less notice is enough after a breach or if an authority requires it.",
    )
    ends_on = DateField("Last day", validators=[DataRequired("Choose the last day.")])
    scope = TextAreaField(
        "Scope",
        description="What the audit covers: measures, records, locations, systems.",
        filters=[stripped],
        validators=[DataRequired("Describe what you want to audit."), Length(max=5000)],
        render_kw={"rows": 4},
    )
    auditor = StringField(
        "Auditor",
        description="Names and company of the auditors.",
        filters=[stripped],
        validators=[DataRequired("Enter the auditor's name and company."), Length(max=300), OneLine()],
    )
    is_bound = BooleanField(
        "The auditor is bound by a duty of confidentiality and is not a competitor of AI Governance",
        validators=[
            DataRequired(
                "Confirm that the auditor is bound by a duty of confidentiality and is not a competitor of AI "
                "Governance."
            )
        ],
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

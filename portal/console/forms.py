"""The console's forms."""

from datetime import UTC, datetime
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    FieldList,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from billing.plans import PLANS
from core.forms import Form, OneLine, RequiredIf, WholeNumberField, stripped
from legal_docs import figures
from legal_docs.documents.kinds import TITLES
from legal_docs.documents.service_types import SERVICE_TYPES, ServiceType
from portal.customer.applications.welcome import SLOTS_OFFERED
from portal.customer.organization.forms import Printable, countries


def _text(label: str, *, required: str, most: int = 2000, description: str = "") -> Any:
    return TextAreaField(
        label,
        description=description,
        filters=[stripped],
        validators=[DataRequired(required), Length(max=most)],
        render_kw={"rows": 3},
    )


class DecisionForm(Form):
    """For declining and deferring, and what the others have in common; `version` is the one that was read."""

    version = WholeNumberField("", validators=[InputRequired("Reload this page."), NumberRange(1, 2**31 - 1)])
    words = _text("Reason", required="Enter a reason. The customer sees it.")
    pilot_ends_on = DateField("Pilot ends on", validators=[Optional()])
    slot = FieldList(
        DateTimeLocalField("Time for a first call (UTC)", validators=[Optional()]), max_entries=SLOTS_OFFERED
    )

    def call_slots(self) -> list[datetime]:
        return [given.replace(tzinfo=UTC) for given in self.slot.data if given]


class ApprovalForm(DecisionForm):
    """An approval needs no words; what is written is sent along."""

    words = TextAreaField(
        "Message to the customer", filters=[stripped], validators=[Optional(), Length(max=2000)], render_kw={"rows": 3}
    )


class QuestionForm(DecisionForm):
    words = _text("Question", required="Enter a question. The customer sees it.")


class NoteForm(DecisionForm):
    words = _text("Internal note", required="Enter a note.")


class ReasonForm(Form):
    reason = _text("Reason", required="Enter a reason. The customer sees it.")


class ShortReasonForm(Form):
    """The customer reads it."""

    reason = StringField("Reason", filters=[stripped], validators=[DataRequired(), Length(max=300), OneLine()])


class CloseForm(ShortReasonForm):
    after_days = WholeNumberField("Days", validators=[InputRequired(), NumberRange(0, figures.RETRIEVAL_DAYS)])


class PilotForm(Form):
    ends_on = DateField("Pilot ends on", validators=[DataRequired("Choose a date.")])


class GrantForm(ShortReasonForm):
    plan = SelectField("Plan", choices={plan.code.value: plan.name for plan in PLANS.values()})
    until = DateField("Until", validators=[Optional()])


class RefundForm(ShortReasonForm):
    refunded = WholeNumberField("", validators=[InputRequired(), NumberRange(min=0)])
    amount = StringField("Amount", filters=[stripped])
    subscription = SelectField("Subscription", choices={"end": "End", "keep": "Keep"}, default="end")


class PublishForm(Form):
    kind = SelectField("Document", choices={kind.value: title for kind, title in TITLES.items()})
    number = StringField(
        "Number",
        filters=[stripped],
        description="For example, 1.0. A major version increases the first number.",
        validators=[DataRequired("Enter a version number.")],
    )
    is_major = BooleanField("Major version (customers must accept it again)")
    summary = _text(
        "Summary of changes", required="Summarize what changed.", description="Included in the notice to customers."
    )
    effective_on = DateField(
        "Effective date",
        validators=[DataRequired("Choose a date.")],
        description=f"At least {figures.CHANGE_NOTICE_DAYS} days ahead if a customer has accepted an earlier version.",
    )
    reviewer = StringField(
        "Reviewed by",
        filters=[stripped],
        description="The reviewing lawyer's name.",
        validators=[DataRequired("Enter the lawyer's name."), Length(max=200), OneLine()],
    )
    reviewed_on = DateField("Reviewed on", validators=[DataRequired("Choose the date of the review.")])
    review_note = _text("Review findings", required="Enter the review findings.")


def _of_what_is_added(label: str) -> Any:
    return StringField(
        label,
        filters=[stripped],
        validators=[RequiredIf(lambda form: form.kind.data != "remove", "Enter a value."), OneLine(), Printable()],
    )


class ChangeForm(Form):
    """What is removed needs no more than its reason and its day."""

    kind = SelectField("Change", choices={"add": "Add", "replace": "Replace", "remove": "Remove"})
    replaces = SelectField("Sub-processor to replace or remove", choices={"": "None"})
    name = _of_what_is_added("Name")
    service_type = SelectField(
        "Service", choices={one.value: words for one, words in SERVICE_TYPES.items()}, default=ServiceType.OTHER.value
    )
    entity = _of_what_is_added("Legal entity")
    address = _of_what_is_added("Address")
    country = SelectField("Country", choices=lambda: {"": "Choose", **countries()})
    contact = _of_what_is_added("Contact")
    purpose = _of_what_is_added("Purpose")
    data_categories = _of_what_is_added("Data processed")
    location = _of_what_is_added("Processing location")
    first_mechanism = StringField(
        "Transfer mechanism",
        filters=[stripped],
        validators=[OneLine(), Printable()],
        description="Outside the European Economic Area, enter both mechanisms. Otherwise, leave both empty.",
    )
    second_mechanism = StringField(
        "Fallback transfer mechanism", filters=[stripped], validators=[OneLine(), Printable()]
    )
    certificates = StringField("Certifications", filters=[stripped], validators=[OneLine(), Printable()])
    reason = _text("Reason", required="Enter a reason. Customers see it.")
    takes_effect_on = DateField(
        "Effective date",
        validators=[DataRequired("Choose a date.")],
        description=f"At least {figures.SUB_PROCESSOR_NOTICE_DAYS} days ahead.",
    )


class AnswerForm(Form):
    text = _text("Reply", required="Enter a reply.", most=5000)

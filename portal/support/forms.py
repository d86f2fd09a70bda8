"""What is written into requests, by customers and by operators."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from wtforms import DateTimeLocalField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from core.errors import InvalidRequest
from core.forms import EmailAddress, Form, OneLine, WholeNumberField, stripped
from portal.support import uploads
from portal.support.severities import CATEGORY_LABELS, SLA_TARGETS, Category, Severity
from portal.support.states import RequestStatus

_MOST_WORDS = 10_000
_SEVERITY_CHOICES = {
    severity.value: f"{severity.value.capitalize()}: {SLA_TARGETS[severity].examples}"
    for severity in reversed(Severity)
}


def _body(label: str, *, required: str, description: str = "") -> Any:
    return TextAreaField(
        label,
        description=description,
        filters=[stripped],
        validators=[DataRequired(required), Length(max=_MOST_WORDS)],
        render_kw={"rows": 7},
    )


def _files() -> Any:
    return MultipleFileField(
        "Files",
        description=(
            f"Up to {uploads.MOST_FILES} files, up to {uploads.MOST_BYTES_EACH // 1_000_000} MB each: {uploads.KINDS}."
        ),
    )


def shown_id_field(label: str, prefix: str, description: str) -> Any:
    return StringField(
        label,
        description=description,
        filters=[stripped, lambda value: value or None],
        validators=[
            Optional(),
            Regexp(rf"^{prefix}_[0-9a-f]+\Z", message=f"Enter an ID that starts with {prefix}_."),
            Length(max=64),
        ],
    )


def _reason() -> Any:
    return StringField(
        "Reason", filters=[stripped], validators=[DataRequired("Enter a reason."), Length(max=300), OneLine()]
    )


class WritingForm(Form):
    """`once` is made with the page, so that what is sent twice is kept once."""

    once = StringField(validators=[DataRequired("Reload this page.")])

    def once_id(self) -> UUID:
        """Raises InvalidRequest."""
        try:
            return UUID(self.once.data)
        except ValueError as error:
            raise InvalidRequest("Reload the page and try again.") from error


class QuestionForm(WritingForm):
    category = SelectField("Category", choices={category.value: words for category, words in CATEGORY_LABELS.items()})
    severity = SelectField(
        "Severity",
        choices=_SEVERITY_CHOICES,
        default=Severity.MEDIUM.value,
    )
    subject = StringField(
        "Subject",
        filters=[stripped],
        validators=[DataRequired("Enter a subject."), Length(max=200), OneLine()],
    )
    body = _body(
        "Description",
        required="Enter a description.",
        description=(
            "What you did, what you expected, what happened. Never include prompts, API keys, or personal data of your "
            "customers or users."
        ),
    )
    environment = SelectField("Environment", choices={"": "Not relevant", "live": "Live", "test": "Test"})
    happened_at = DateTimeLocalField("Time of the problem (UTC)", validators=[Optional()])
    api_key_id = shown_id_field(
        "API key ID", "key", "On the key's page under API keys (key_0199…), not the key itself."
    )
    decision_id = shown_id_field("Decision ID", "dec", "From a response or the decision log.")
    request_id = shown_id_field("Request ID", "req", "From the X-Request-Id response header.")
    files = _files()

    def chosen_category(self) -> Category:
        return Category(self.category.data)

    def chosen_severity(self) -> Severity:
        return Severity(self.severity.data)

    def moment(self) -> datetime | None:
        given = self.happened_at.data
        return given.replace(tzinfo=UTC) if given else None


class MessageForm(WritingForm):
    body = _body("Message", required="Enter a message.")
    files = _files()


class AnswerForm(WritingForm):
    body = _body("Reply", required="Enter a reply.", description="The customer also gets it by email.")
    then = SelectField(
        "Status after sending",
        description="While a ticket waits on the customer, its resolution deadline is paused.",
        choices={
            RequestStatus.OPEN.value: "Open",
            RequestStatus.WAITING_ON_CUSTOMER.value: "Waiting on customer",
            RequestStatus.RESOLVED.value: "Resolved",
        },
    )
    files = _files()


class NoteForm(WritingForm):
    body = _body("Note", required="Enter a note.", description="Visible to operators only.")


class _Versioned(Form):
    """`version` is the one that was read."""

    version = WholeNumberField(validators=[InputRequired("Reload this page."), NumberRange(1, 2**31 - 1)])


class AssignForm(_Versioned):
    assignee = SelectField("Assignee", validate_choice=False)


class WeighForm(_Versioned):
    severity = SelectField("Severity", choices={severity.value: severity.value for severity in Severity})
    reason = StringField(
        "Reason", filters=[stripped], validators=[DataRequired("Enter a reason."), Length(max=300), OneLine()]
    )


class EscalateForm(_Versioned):
    reason = StringField(
        "Reason", filters=[stripped], validators=[DataRequired("Enter a reason."), Length(max=300), OneLine()]
    )


class MergeForm(_Versioned):
    number = WholeNumberField("Number", validators=[InputRequired("Enter a ticket number."), NumberRange(1, 2**62)])


class FeatureRequestForm(_Versioned):
    wish = StringField("Feature request", filters=[stripped], validators=[Length(max=120), OneLine()])


class EmailRequestForm(Form):
    """Makes a request of an email that nobody could file."""

    email = StringField(
        "Send replies to", filters=[stripped], validators=[DataRequired("Enter an email address."), EmailAddress()]
    )
    subject = StringField(
        "Subject", filters=[stripped], validators=[DataRequired("Enter a subject."), Length(max=200), OneLine()]
    )


class AddEmailForm(Form):
    number = WholeNumberField(
        "Ticket number", validators=[InputRequired("Enter a ticket number."), NumberRange(1, 2**62)]
    )


class ScoreForm(Form):
    score = WholeNumberField("Score", validators=[InputRequired("Choose a number from 1 to 10."), NumberRange(1, 10)])
    words = TextAreaField("What could we have done better?", filters=[stripped], validators=[Length(max=2000)])

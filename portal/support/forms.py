"""What is written into requests, by customers and by operators."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from wtforms import DateTimeLocalField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from core.errors import InvalidRequest
from core.forms import EmailAddress, Form, OneLine, WholeNumberField, stripped
from portal.support import uploads
from portal.support.severities import CATEGORY_LABELS, PROMISES, Category, Severity
from portal.support.states import RequestStatus

_MOST_WORDS = 10_000
_SEVERITY_CHOICES = {
    severity.value: f"{severity.value.capitalize()}: {PROMISES[severity].examples}" for severity in reversed(Severity)
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
            f"Up to {uploads.MOST_FILES} of up to {uploads.MOST_BYTES_EACH // 1_000_000} MB each: {uploads.KINDS}."
        ),
    )


def _shown_id(label: str, prefix: str, description: str) -> Any:
    return StringField(
        label,
        description=description,
        filters=[stripped, lambda value: value or None],
        validators=[
            Optional(),
            Regexp(rf"^{prefix}_[0-9a-f]+\Z", message=f"It starts with {prefix}_."),
            Length(max=64),
        ],
    )


def _reason() -> Any:
    return StringField("Reason", filters=[stripped], validators=[DataRequired("Say why."), Length(max=300), OneLine()])


class WritingForm(Form):
    """`once` is made with the page, so that what is sent twice is kept once."""

    once = StringField(validators=[DataRequired("Load the page again.")])

    def once_id(self) -> UUID:
        """Raises InvalidRequest."""
        try:
            return UUID(self.once.data)
        except ValueError as error:
            raise InvalidRequest("Load the page again and repeat what you did.") from error


class QuestionForm(WritingForm):
    category = SelectField(
        "What is it about", choices={category.value: words for category, words in CATEGORY_LABELS.items()}
    )
    severity = SelectField(
        "How grave is it",
        choices=_SEVERITY_CHOICES,
        default=Severity.MEDIUM.value,
    )
    subject = StringField(
        "In one line",
        filters=[stripped],
        validators=[DataRequired("Say in one line what it is about."), Length(max=200), OneLine()],
    )
    body = _body(
        "What happened",
        required="Tell us what happened.",
        description="What you did, what you expected, what came instead. Never paste prompts, personal data or a key.",
    )
    environment = SelectField("Environment", choices={"": "Does not matter", "live": "Live", "test": "Test"})
    happened_at = DateTimeLocalField("When, in UTC", validators=[Optional()])
    api_key_id = _shown_id("Key id", "key", "From the list of keys, such as key_0199…; never the secret.")
    decision_id = _shown_id("Decision id", "dec", "From an answer or the log.")
    request_id = _shown_id("Request id", "req", "From the header X-Request-Id.")
    files = _files()

    def chosen_category(self) -> Category:
        return Category(self.category.data)

    def chosen_severity(self) -> Severity:
        return Severity(self.severity.data)

    def moment(self) -> datetime | None:
        given = self.happened_at.data
        return given.replace(tzinfo=UTC) if given else None


class MessageForm(WritingForm):
    body = _body("Your message", required="Write a message.")
    files = _files()


class AnswerForm(WritingForm):
    body = _body("Answer", required="Write an answer.", description="The customer gets it by mail, too.")
    then = SelectField(
        "Then",
        choices={
            RequestStatus.OPEN.value: "we go on working on it",
            RequestStatus.WAITING_ON_CUSTOMER.value: "we wait for the customer",
            RequestStatus.RESOLVED.value: "it is resolved",
        },
    )
    files = _files()


class NoteForm(WritingForm):
    body = _body("Note", required="Write a note.", description="For operators only.")


class _Versioned(Form):
    """`version` is the one that was read."""

    version = WholeNumberField(validators=[InputRequired("Load the page again."), NumberRange(1, 2**31 - 1)])


class AssignForm(_Versioned):
    assignee = SelectField("Taken by", validate_choice=False)


class WeighForm(_Versioned):
    severity = SelectField("Severity", choices={severity.value: severity.value for severity in Severity})
    reason = StringField(
        "Reason", filters=[stripped], validators=[DataRequired("Say why."), Length(max=300), OneLine()]
    )


class EscalateForm(_Versioned):
    reason = StringField(
        "Reason", filters=[stripped], validators=[DataRequired("Say why."), Length(max=300), OneLine()]
    )


class JoinForm(_Versioned):
    number = WholeNumberField("Number", validators=[InputRequired("Name the other request."), NumberRange(1, 2**62)])


class WishForm(_Versioned):
    wish = StringField("Wish", filters=[stripped], validators=[Length(max=120), OneLine()])


class EmailRequestForm(Form):
    """Makes a request of an email that nobody could file."""

    email = StringField(
        "Send answers to", filters=[stripped], validators=[DataRequired("Enter an address."), EmailAddress()]
    )
    subject = StringField(
        "Subject", filters=[stripped], validators=[DataRequired("Enter a subject."), Length(max=200), OneLine()]
    )


class AddEmailForm(Form):
    number = WholeNumberField("Request number", validators=[InputRequired("Enter a number."), NumberRange(1, 2**62)])


class ScoreForm(Form):
    score = WholeNumberField("Score", validators=[InputRequired("Choose a number from 1 to 10."), NumberRange(1, 10)])
    words = TextAreaField("What would have been better", filters=[stripped], validators=[Length(max=2000)])

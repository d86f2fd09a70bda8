"""Forms: typed values kept, every fault told at its field, tokens checked at the door (`core.access`)."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from werkzeug.exceptions import HTTPException
from wtforms import Field, IntegerField, PasswordField, SelectMultipleField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from core.addresses import AddressFault, sendable
from core.errors import FieldProblem
from core.names import fault_of_line, normal_form
from core.patterns import for_xml

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_FEWEST_WORDS = 3
_OF_SECRETS = re.compile(r"password|current|secret|token|code|key")


class _OurWords:
    """What the library says of a value, as something to do."""

    def gettext(self, words: str) -> str:
        return _ADVICE.get(words, words)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


_ADVICE = {
    "Not a valid choice.": "Choose one of the options.",
    "'%(value)s' is not a valid choice for this field.": "Choose only from the options.",
    "'%(value)s' are not valid choices for this field.": "Choose only from the options.",
    "Not a valid datetime value.": "Enter a date and time, such as 2026-11-22T10:00.",
    "Not a valid date value.": "Enter a date, such as 2026-11-22.",
    "Field cannot be longer than %(max)d characters.": "Use at most %(max)d characters.",
    "Field must be at least %(min)d characters long.": "Use at least %(min)d characters.",
    "Field must be between %(min)d and %(max)d characters long.": "Use %(min)d to %(max)d characters.",
    "Number must be at least %(min)s.": "Enter at least %(min)s.",
    "Number must be at most %(max)s.": "Enter at most %(max)s.",
    "Number must be between %(min)s and %(max)s.": "Enter a number from %(min)s to %(max)s.",
}


class Form(FlaskForm):  # type: ignore[misc]  # flask_wtf is untyped
    """The token is checked before the view runs, so a form need not carry it a second time."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = False

        def get_translations(self, _form: Any) -> "_OurWords":
            return _OurWords()

    def validate(self, extra_validators: Any = None) -> bool:
        """No text holds characters that a database or a feed cannot keep. Of a password only a NUL matters."""
        is_fine = bool(super().validate(extra_validators))
        for field in self:
            if isinstance(field.data, str) and _is_broken(field):
                field.errors = field.errors or ["Remove the control characters."]
                is_fine = False
        return is_fine

    def blame(self, faults: Iterable[FieldProblem]) -> None:
        """Puts a service's refusals where the person can see them: at the field, or above the form."""
        for fault in faults:
            name = re.split(r"[.\[]", fault.path)[0]
            field = self._fields.get(name)
            if field is not None:
                words = in_plain_words(fault.detail)
                field.errors = [*field.errors, _place_in(field, fault.path.removeprefix(name)) + words]
            else:
                self.form_errors.append(in_plain_words(fault.detail))


def _place_in(field: Field, rest: str) -> str:
    """Of a text with many lines: which of them, or which name in it, is meant."""
    if not isinstance(field, TextAreaField) or not rest:
        return ""
    line = re.match(r"\[(\d+)\]", rest)
    return f"Line {int(line[1]) + 1}: " if line else f"{rest.lstrip('.')}: "


def _is_broken(field: Field) -> bool:
    return "\x00" in field.data if isinstance(field, PasswordField) else field.data != for_xml(field.data)


_SAFE_LETTERS = (
    "This contains a character that is not allowed. "
    "Lowercase letters, digits and underscores always work; spaces do not."
)
_PLAIN = (
    (re.compile(r"Expected a (?:whole )?number of at most (\S+?)\.?$"), "Enter at most {}."),
    (re.compile(r"Expected a (?:whole )?number of at least (\S+?)\.?$"), "Enter at least {}."),
    (re.compile(r"Expected a string with at most (\d+)"), "Use at most {} characters."),
    (re.compile(r"Expected an (?:array|object) with at most (\d+)"), "Enter at most {}."),
    (re.compile(r"Expected a string with at least (\d+)"), "This field is required."),
    (re.compile(r"This does not have the expected format"), _SAFE_LETTERS),
    (re.compile(r"Expected a (?:whole )?number"), "Enter a number."),
    (re.compile(r"Invalid RFC3339|Expected a time"), "Enter a date and time, such as 2026-11-22T10:00."),
    (re.compile(r"Expected true or false"), "Choose one of the two."),
)


def in_plain_words(detail: str) -> str:
    """What a validator says, for somebody who fills in a form."""
    for pattern, words in _PLAIN:
        found = pattern.search(detail)
        if found is not None:
            return words.format(*found.groups())
    return detail


class ChecksField(SelectMultipleField):  # type: ignore[misc]  # wtforms is untyped
    """Several choices, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class WholeNumberField(IntegerField):  # type: ignore[misc]  # wtforms is untyped
    """In decimal digits; Python's own reading takes `1_0` for ten."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist and not _WHOLE_NUMBER.fullmatch(valuelist[0].strip()):
            self.data = None
            raise ValueError("Enter a whole number.")
        super().process_formdata(valuelist)

    def pre_validate(self, _form: Any) -> None:
        """What is no number needs no second error about its size."""
        if self.process_errors and any(text.strip() for text in self.raw_data or ()):
            raise StopValidation


class EmailAddress:
    """Refuses what cannot be an address, or one that we could not send to, and gives it back as servers take it."""

    def __call__(self, _form: Any, field: Field) -> None:
        try:
            field.data = sendable(field.data or "")
        except AddressFault as fault:
            raise ValidationError(str(fault)) from fault


class RequiredIf(InputRequired):  # type: ignore[misc]  # wtforms is untyped
    """Where `is_needed` says that it is not, an empty field has its default."""

    def __init__(self, is_needed: Callable[[Any], bool], message: str) -> None:
        super().__init__(message)
        self._is_needed = is_needed

    def __call__(self, form: Any, field: Field) -> None:
        if not self._is_needed(form) and not any(text.strip() for text in field.raw_data or ()):
            field.errors, field.data = [], field.default
            raise StopValidation
        super().__call__(form, field)


class OneLine:
    """Refuses what cannot be typed or seen, and gives the line back in its normal form."""

    def __call__(self, _form: Any, field: Field) -> None:
        fault = fault_of_line(field.data or "")
        if fault is not None:
            raise ValidationError(fault)
        if field.data:
            field.data = normal_form(field.data)


class ExactLine:
    """Refuses control characters alone: the line has to be kept as software sends it."""

    def __call__(self, _form: Any, field: Field) -> None:
        if any(unicodedata.category(sign) == "Cc" for sign in field.data or ""):
            raise ValidationError("Use one line without control characters.")


def texts_sent() -> list[str]:
    """What a person wrote into a form that was refused as a whole, so that it can be given back. Never a secret, and
    nothing that another site's page sent."""
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        return []
    try:
        fields = list(request.form.items())
    except HTTPException:  # too large to be read
        return []
    return [text for name, text in fields if len(text.split()) >= _FEWEST_WORDS and not _OF_SECRETS.search(name)]


def stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value

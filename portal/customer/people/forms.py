"""The forms of signing up and in."""

from typing import Any

from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from core.forms import EmailAddress, Form, OneLine, stripped
from core.passwords import MAX_LENGTH, MIN_LENGTH, fault_of_length

_NEW = (
    f"At least {MIN_LENGTH} characters. A few random words are easy to remember; digits and symbols are not required."
)


def email_field(label: str = "Email address", *, missing: str = "Enter your email address.") -> Any:
    return EmailField(
        label,
        filters=[stripped],
        validators=[DataRequired(missing), Length(max=254), EmailAddress()],
        render_kw={"autocomplete": "email"},
    )


def new_password_field(label: str = "Password") -> Any:
    return PasswordField(
        label,
        description=_NEW,
        validators=[InputRequired("Enter a password."), Length(max=MAX_LENGTH), _long_enough],
        render_kw={"autocomplete": "new-password"},
    )


def _long_enough(_form: Any, field: Any) -> None:
    fault = fault_of_length(field.data) if len(field.data) <= MAX_LENGTH else None  # that was said already
    if fault is not None:
        raise ValidationError(fault)


def password_field(label: str = "Password") -> Any:
    return PasswordField(
        label,
        validators=[InputRequired("Enter your password."), Length(max=MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )


def name_field(label: str = "Your name", *, missing: str = "Enter your name.", **options: Any) -> Any:
    return StringField(
        label,
        filters=[stripped],
        validators=[DataRequired(missing), Length(max=200), OneLine()],
        **options,
    )


class SignUpForm(Form):
    name = name_field(render_kw={"autocomplete": "name"})
    organization_name = name_field(
        "Organization", missing="Enter the name of your organization.", render_kw={"autocomplete": "organization"}
    )
    email = email_field("Work email")
    password = new_password_field()


class LogInForm(Form):
    email = email_field()
    password = password_field()


class SecondStepForm(Form):
    code = StringField(
        "Code",
        filters=[stripped],
        description="Enter the six-digit code from your authenticator app, or a recovery code.",
        validators=[DataRequired("Enter a code."), Length(max=40)],
        render_kw={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True},
    )


class EmailForm(Form):
    email = email_field()


class ChangeEmailForm(Form):
    email = email_field("New email address")


class NewPasswordForm(Form):
    password = new_password_field("New password")


class PasswordForm(Form):
    password = password_field()


class ChangePasswordForm(Form):
    current = password_field("Current password")
    password = new_password_field("New password")


class JoinForm(Form):
    name = name_field(render_kw={"autocomplete": "name"})
    password = new_password_field()

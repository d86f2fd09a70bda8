"""The team's forms."""

from wtforms import RadioField, SelectField

from core.forms import Form
from core.members import MEANING, Role
from portal.customer.people.forms import email_field

_CHOICES = {role.value: f"{role.value.title()}: {MEANING[role]}" for role in Role}


class InviteForm(Form):
    email = email_field(missing="Enter an email address.")
    role = RadioField("Role", choices=_CHOICES, default=Role.DEVELOPER.value)


class RoleForm(Form):
    role = SelectField("Role", choices={role.value: role.value.title() for role in Role})

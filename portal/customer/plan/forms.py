"""What invoices say of who pays."""

from typing import Any

from wtforms import EmailField, SelectField, StringField
from wtforms.validators import Length, Optional, ValidationError

from billing.details import BillingDetails, TaxId
from billing.tax_ids import TAX_IDS
from core.forms import ChecksField, EmailAddress, Form, OneLine, stripped
from portal.customer.organization.forms import countries


def _line(label: str, most: int, autocomplete: str) -> StringField:
    return StringField(
        label,
        filters=[stripped],
        validators=[Optional(), Length(max=most), OneLine()],
        render_kw={"autocomplete": autocomplete},
    )


class BillingForm(Form):
    email = EmailField(
        "Email address for invoices",
        filters=[stripped],
        description="If empty, invoices go to the person who paid.",
        validators=[Optional(), Length(max=254), EmailAddress()],
        render_kw={"autocomplete": "email"},
    )
    name = _line("Company name", 200, "organization")
    line1 = _line("Street and number", 200, "address-line1")
    line2 = _line("Address line 2", 200, "address-line2")
    postal_code = _line("Postal code", 20, "postal-code")
    city = _line("City", 100, "address-level2")
    country = SelectField("Country", choices=lambda: {"": "Choose", **countries()})
    removed_tax_ids = ChecksField("Tax IDs on your invoices", validate_choice=False)
    tax_id_type = SelectField("Tax ID type", choices={"": "None", **TAX_IDS})
    tax_id = _line("Tax ID", 40, "off")

    def validate_tax_id(self, field: StringField) -> None:
        if bool(field.data) != bool(self.tax_id_type.data):
            raise ValidationError("Enter both the tax ID and its type, or leave both empty.")

    def offer(self, known: BillingDetails) -> "BillingForm":
        """With the tax ids there are, each with what the authority said of it."""
        self.removed_tax_ids.choices = [(one.id, _in_words(one)) for one in known.tax_ids]
        return self

    @classmethod
    def of(cls, known: BillingDetails) -> "BillingForm":
        return cls(formdata=None, obj=known).offer(known)

    def details(self) -> BillingDetails:
        texts: Any = {name: (self[name].data or "") for name in _TEXTS}
        return BillingDetails(**texts, removed_tax_ids=tuple(self.removed_tax_ids.data or ()))


_TEXTS = ("email", "name", "line1", "line2", "postal_code", "city", "country", "tax_id_type", "tax_id")
_STATUS_LABELS = {
    "verified": "verified",
    "pending": "verification pending",
    "unverified": "verification failed",
    "unavailable": "not verified",
}


def _in_words(tax_id: TaxId) -> str:
    kind = TAX_IDS.get(tax_id.kind, tax_id.kind)
    return f"{tax_id.value}, {kind}, {_STATUS_LABELS.get(tax_id.status, tax_id.status)}"

"""What invoices say of who pays."""

from wtforms import EmailField, SelectField, StringField
from wtforms.validators import Length, Optional, ValidationError

from billing.details import TAX_IDS, BillingDetails
from core.forms import EmailAddress, Form, OneLine, stripped
from portal.organization.forms import countries


def _line(label: str, most: int, autocomplete: str) -> StringField:
    return StringField(
        label,
        filters=[stripped],
        validators=[Optional(), Length(max=most), OneLine()],
        render_kw={"autocomplete": autocomplete},
    )


class BillingForm(Form):
    email = EmailField(
        "E-mail address for invoices",
        filters=[stripped],
        description="Empty: they go to whoever paid.",
        validators=[Optional(), Length(max=254), EmailAddress()],
        render_kw={"autocomplete": "email"},
    )
    line1 = _line("Street and number", 200, "address-line1")
    line2 = _line("Second line", 200, "address-line2")
    postal_code = _line("Postal code", 20, "postal-code")
    city = _line("City", 100, "address-level2")
    country = SelectField("Country", choices=lambda: {"": "Choose", **countries()})
    tax_id_type = SelectField("Kind of tax id", choices={"": "None", **TAX_IDS})
    tax_id = _line("Tax id", 40, "off")

    def validate_tax_id(self, field: StringField) -> None:
        if bool(field.data) != bool(self.tax_id_type.data):
            raise ValidationError("Give the tax id and its kind, or neither.")

    @classmethod
    def of(cls, details: BillingDetails) -> "BillingForm":
        return cls(formdata=None, obj=details)

    def details(self) -> BillingDetails:
        return BillingDetails(**{name: (self[name].data or "") for name in BillingDetails.__struct_fields__})

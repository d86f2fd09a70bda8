"""Dates, leads and ticks."""

from datetime import UTC, datetime, time
from typing import Any

from wtforms import DateField, DateTimeLocalField, SelectField
from wtforms.validators import DataRequired

from core.forms import Form

_MONDAY = 0


class PlanForm(Form):
    starts_on = DateField("First Monday", validators=[DataRequired("Choose a Monday.")])

    def validate(self, extra_validators: Any = None) -> bool:
        if super().validate(extra_validators) and self.starts_on.data.weekday() != _MONDAY:
            self.starts_on.errors = ["Choose a Monday."]
        return not self.errors

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.starts_on.data, time.min, UTC)


class GoLiveForm(Form):
    organization = SelectField("Customer", validate_choice=False, validators=[DataRequired("Choose a customer.")])
    starts_at = DateTimeLocalField("Go-live (UTC)", validators=[DataRequired("Enter a date and time.")])

    @property
    def moment(self) -> datetime:
        found: datetime = self.starts_at.data
        return found.replace(tzinfo=UTC)

"""What somebody knows who suspects a breach: little has to be filled in, for every minute counts."""

from datetime import UTC, datetime
from typing import Any

from wtforms import DateTimeLocalField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from core.clock import utc_now
from core.forms import stripped
from portal.customer.suspected_breaches.services import Suspicion
from portal.support.forms import WritingForm, shown_id_field

_MOST_WORDS = 8_000


class SuspicionForm(WritingForm):
    what = TextAreaField(
        "What happened",
        description="What you saw, and why you suspect a breach. Do not include personal data or API keys.",
        filters=[stripped],
        validators=[DataRequired("Describe what happened."), Length(max=_MOST_WORDS)],
        render_kw={"rows": 5},
    )
    noticed_at = DateTimeLocalField("When you noticed it (UTC)", validators=[DataRequired("Enter a date and time.")])
    began_at = DateTimeLocalField("When it began, if you know (UTC)", validators=[Optional()])
    api_key_id = shown_id_field(
        "API key ID", "key", "Of the key that may have leaked: on its page under API keys (key_0199…)."
    )
    request_id = shown_id_field("Request ID", "req", "From the X-Request-Id response header.")
    measures = TextAreaField(
        "What you have done so far",
        filters=[stripped],
        validators=[Length(max=_MOST_WORDS)],
        render_kw={"rows": 3},
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Nobody notices what is still to come, or notices it before it began."""
        if not super().validate(extra_validators):
            return False
        if _in_utc(self.noticed_at.data) > utc_now():
            self.noticed_at.errors = ["Enter a time in the past."]
        elif self.began_at.data and self.began_at.data > self.noticed_at.data:
            self.began_at.errors = ["It must have begun before you noticed it."]
        return not self.errors

    def suspicion(self) -> Suspicion:
        return Suspicion(
            what=self.what.data,
            noticed_at=_in_utc(self.noticed_at.data),
            began_at=_in_utc(self.began_at.data) if self.began_at.data else None,
            api_key_id=self.api_key_id.data,
            request_id=self.request_id.data,
            measures=self.measures.data or None,
        )


def _in_utc(moment: datetime) -> datetime:
    """What the field holds has no zone; the label says which it is."""
    return moment.replace(tzinfo=UTC)

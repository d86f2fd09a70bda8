"""Every component that pages are made of, in every state and both themes side by side. Look here before making one."""

from datetime import timedelta

from flask import render_template
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from core.access import Audience, Pages, open_to
from core.clock import utc_now
from core.forms import Form
from core.views import ViewResponse

bp = Pages("design", __name__, url_prefix="/design")

_COLOURS = (
    *("ground", "raised", "sunken", "ink", "quiet", "line", "strong-line", "control-line", "accent", "accent-soft"),
    *("fill", "good", "good-soft", "warn", "warn-soft", "bad", "bad-soft", "chart-allowed", "chart-blocked"),
)


class SampleForm(Form):
    name = StringField("Name", [InputRequired("Enter a name.")], description="Shown in the decision log.")
    role = SelectField("Role", choices=["Developer", "Viewer"])
    note = TextAreaField("Note", render_kw={"rows": 3})
    environment = RadioField("Environment", choices=["Live", "Test"], default="Live")
    agreed = BooleanField("I have read the terms")


@bp.get("")
@open_to(Audience.ANYBODY)
def index() -> ViewResponse:
    faulty = SampleForm(formdata=None)
    faulty.name.errors = ["Enter a name."]
    moments = [utc_now() - timedelta(minutes=4), utc_now() - timedelta(days=3)]
    return render_template(
        "local/design/index.html", form=SampleForm(formdata=None), faulty=faulty, colours=_COLOURS, moments=moments
    )

"""What shows that the agreement is kept: the measures as they are seen now."""

from flask import render_template

from core.access import Audience, Pages, open_to
from core.views import ViewResponse
from legal_docs.measures import services as security_measures
from legal_docs.measures.kinds import MEASURE_NAMES

bp = Pages("assurance", __name__, url_prefix="/documents")


@bp.get("/measures")
@open_to(Audience.VIEWER)
def measures() -> ViewResponse:
    """Annex III, as the running service shows it."""
    return render_template(
        "portal/customer/documents/measures.html", measures=security_measures.kept(), measure_names=MEASURE_NAMES
    )

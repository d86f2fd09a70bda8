"""What we owe as a processor: the record of processing activities."""

from flask import Response, render_template

from core.access import Audience, Pages, open_to
from core.clock import utc_now
from core.current import settings
from core.views import ViewResponse
from legal_docs.documents.html import to_page
from legal_docs.processing import services as processing

bp = Pages("console_assurance", __name__, url_prefix="/console")


@bp.get("/processing-record")
@open_to(Audience.OPERATOR)
def processing_record() -> ViewResponse:
    """Article 30 GDPR, made from what is on record now."""
    page = to_page(processing.whole_record(settings(), now=utc_now()))
    return render_template(
        "portal/customer/documents/processing_record.html", page=page, pdf="/console/processing-record.pdf"
    )


@bp.get("/processing-record.pdf")
@open_to(Audience.OPERATOR)
def processing_record_pdf() -> ViewResponse:
    now = utc_now()
    content = processing.as_pdf(processing.whole_record(settings(), now=now), settings(), now=now)
    return Response(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="processing-record-{now:%Y-%m-%d}.pdf"'},
    )

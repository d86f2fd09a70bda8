"""What shows that the agreement is kept: the measures as they are seen now, the record of processing, and
a report of each year.
"""

from flask import Response, render_template

from core.access import Audience, Pages, active_membership, open_to
from core.clock import utc_now
from core.current import settings
from core.htmx import see_other
from core.views import ViewResponse
from legal_docs.documents.html import to_page
from legal_docs.measures import services as security_measures
from legal_docs.measures.kinds import MEASURE_NAMES
from legal_docs.processing import services as processing
from portal.customer.documents import yearly_report

bp = Pages("assurance", __name__, url_prefix="/documents")


@bp.get("/measures")
@open_to(Audience.VIEWER)
def measures() -> ViewResponse:
    """Annex III, as the running service shows it."""
    return render_template(
        "portal/customer/documents/measures.html", measures=security_measures.recorded(), measure_names=MEASURE_NAMES
    )


@bp.get("/processing-record")
@open_to(Audience.VIEWER)
def processing_record() -> ViewResponse:
    """The organization's part of our record under Article 30(2)."""
    markdown = processing.part_of(active_membership().organization_id, settings(), now=utc_now())
    return render_template(
        "portal/customer/documents/processing_record.html",
        page=to_page(markdown),
        pdf="/documents/processing-record.pdf",
    )


@bp.get("/processing-record.pdf")
@open_to(Audience.VIEWER)
def processing_record_pdf() -> ViewResponse:
    now = utc_now()
    markdown = processing.part_of(active_membership().organization_id, settings(), now=now)
    return Response(
        processing.as_pdf(markdown, settings(), now=now),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="processing-record-{now:%Y-%m-%d}.pdf"'},
    )


@bp.get("/report")
@open_to(Audience.VIEWER)
def report() -> ViewResponse:
    return see_other(f"/documents/report/{utc_now().year}")


@bp.get("/report/<int:year>")
@open_to(Audience.VIEWER)
def report_of_year(year: int) -> ViewResponse:
    organization_id, now = active_membership().organization_id, utc_now()
    return render_template(
        "portal/customer/documents/report.html",
        page=to_page(yearly_report.markdown(organization_id, year, settings(), now=now)),
        year=year,
        years=yearly_report.years_of(organization_id, now=now),
    )


@bp.get("/report/<int:year>.pdf")
@open_to(Audience.VIEWER)
def report_pdf(year: int) -> ViewResponse:
    text = yearly_report.markdown(active_membership().organization_id, year, settings(), now=utc_now())
    return Response(
        yearly_report.as_pdf(text, year, settings()),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="report-{year}.pdf"'},
    )

"""The front page with its demo, the prices, the security page, and what changed lately."""

from flask import render_template

from billing.comparison import compare
from billing.plans import PLANS, PlanCode
from core.access import Audience, Pages, current_user_or_none, open_to
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import InvalidRequest
from core.htmx import page_or_block, see_other
from core.throttle import per_address
from core.views import ViewResponse
from portal.docs import articles
from portal.docs.changelog import changes
from portal.in_process_api import send_check
from portal.public import questions, showcase, trust
from portal.public.forms import Answer, AskForm, answer_of

bp = Pages("public", __name__)

LISTED = tuple(plan for plan in PLANS.values() if plan.code is not PlanCode.METERED)
"""Pay as you go is arranged with each customer."""


@bp.get("/")
@open_to(Audience.ANYBODY)
def home() -> ViewResponse:
    """Visitors see what this is; members see what is next; operators see what is waiting for them."""
    who = current_user_or_none()
    if who is None:
        return _front_page(AskForm(formdata=None))
    if who.membership is None:
        return see_other("/console" if who.is_operator else "/organizations")
    return see_other("/dashboard" if who.membership.status == "live" else "/start")


@bp.get("/welcome")
@open_to(Audience.ANYBODY)
def welcome() -> ViewResponse:
    """The front page for somebody who is signed in, too."""
    return _front_page(AskForm(formdata=None))


@bp.post("/ask")
@per_address("12 per minute; 120 per day")
@open_to(Audience.ANYBODY)
def ask() -> ViewResponse:
    """A real check. The form takes choices only, so no text of the visitor's goes anywhere."""
    form = AskForm()
    if not form.validate():
        raise InvalidRequest("Choose one of the options for each field.")
    with acting_as_system(), transaction():
        secret = showcase.secret_for_visitors(secret_key=settings().secret_key, now=utc_now())
    question = form.question()
    return _front_page(form, answer=answer_of(question, *send_check(secret, question)))


@bp.get("/ask")
@open_to(Audience.ANYBODY)
def back_to_the_form() -> ViewResponse:
    return see_other("/welcome#try-it")


@bp.get("/pricing")
@open_to(Audience.ANYBODY)
def pricing() -> ViewResponse:
    """A visitor writes to us; a request in the portal needs an account."""
    email = settings().support_email
    return render_template(
        "portal/public/pricing.html",
        plans=LISTED,
        rows=compare(LISTED),
        is_automatic_tax=settings().stripe_automatic_tax,
        contact=f"mailto:{email}" if email else "/support/new",
    )


@bp.get("/security")
@open_to(Audience.ANYBODY)
def security() -> ViewResponse:
    with acting_as_system():
        facts = trust.facts(settings(), now=utc_now())
    guide = articles.find("security-and-privacy", base_url=settings().base_url)
    return render_template(
        "portal/public/security.html",
        facts=facts,
        stored=articles.section(guide, "What we store and for how long"),
        protection=questions.protection(),
        groups=questions.answered(base_url=settings().base_url),
    )


@bp.get("/changelog")
@open_to(Audience.ANYBODY)
def changelog() -> ViewResponse:
    return render_template("portal/public/changelog.html", article=changes(base_url=settings().base_url))


def _front_page(form: AskForm, *, answer: Answer | None = None) -> ViewResponse:
    return page_or_block(
        "portal/public/home.html",
        "answer",
        form=form,
        answer=answer,
        base_url=settings().base_url,
        plans=LISTED,
    )

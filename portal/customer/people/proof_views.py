"""Proving again who you are, before something that matters; a form that was sent before is not lost meanwhile."""

from flask import flash, render_template, request

from core import sessions
from core.access import Audience, Pages, current_user, open_to, safe_path
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.htmx import see_other
from core.sessions import Method
from core.throttle import per_address
from core.views import ViewResponse
from portal.customer.people import accounts, attempts, held_forms, passwords, trying
from portal.customer.people.forms import PasswordForm
from portal.customer.people.pace import Kind
from portal.customer.people.signing_in import site

bp = Pages("proof", __name__)


@bp.get("/prove-it")
@open_to(Audience.SIGNED_IN)
def ask_for_proof() -> ViewResponse:
    return _page(PasswordForm())


@bp.post("/prove-it/held")
@open_to(Audience.SIGNED_IN)
def hold_form() -> ViewResponse:
    """Where a form is led whose sender has to prove first who they are."""
    fields = request.form.items(multi=True)
    return _page(PasswordForm(None), held=held_forms.hold(request.args["to"], fields, user_id=current_user().user_id))


@bp.post("/prove-it")
@per_address("30 per 15 minutes")
@open_to(Audience.SIGNED_IN)
def prove() -> ViewResponse:
    form = PasswordForm()
    if form.validate():
        attempt = trying.begin_in_session(Kind.SESSION_PASSWORD)
        with acting_as_system(), transaction():
            if passwords.check(accounts.lock(current_user().user_id), form.password.data):
                attempts.succeed(attempt)
                return go_on(current_user().method, safe_path(request.args.get("next")))
        ended = trying.fail_in_session("member.proof_failed", attempt)
        if ended is not None:
            return ended
        form.password.errors = ["Incorrect password."]
    return _page(form, held=request.form.get("held"), status=422)


def go_on(method: Method, next_path: str) -> ViewResponse:
    """For who has just proved who they are, within the transaction: back to their form, as they had filled it in."""
    who = current_user()
    sessions.refresh(who.session_id, method=method, now=utc_now())
    form = held_forms.release(request.form.get("held"), user_id=who.user_id)
    if form is None:
        flash("Identity confirmed. Nothing has been changed yet.")
        return see_other(next_path)
    return render_template("portal/customer/people/send_again.html", form=form, next_path=next_path)


def _page(form: PasswordForm, *, held: str | None = None, status: int = 200) -> ViewResponse:
    next_path = safe_path(request.args.get("next"))
    return (
        render_template("portal/customer/people/prove_it.html", form=form, next_path=next_path, site=site(), held=held),
        status,
    )

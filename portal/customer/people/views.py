"""Signing up, confirming an address, and setting a new password."""

from flask import render_template

from core.access import Audience, Pages, actor, current_user, current_user_or_none, open_to
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.throttle import per_account, per_address, per_person
from core.views import ViewResponse
from portal.customer.people import accounts, addresses, attempts, links, new_passwords, trying
from portal.customer.people.forms import EmailForm, NewPasswordForm, PasswordForm, SignUpForm
from portal.customer.people.models import Purpose
from portal.customer.people.passwords import WrongPassword
from portal.customer.people.signing_in import go_on_after_password, know_browser

bp = Pages("people", __name__)


@bp.get("/sign-up")
@open_to(Audience.ANYBODY)
def new() -> ViewResponse:
    if current_user_or_none():
        return see_other("/")
    return render_template("portal/customer/people/sign_up.html", form=SignUpForm())


@bp.post("/sign-up")
@per_address("20 per hour")
@per_account("5 per hour")
@open_to(Audience.ANYBODY)
def create() -> ViewResponse:
    form = SignUpForm()
    if form.validate():
        try:
            with acting_as_system(), transaction():
                accounts.sign_up(
                    email=form.email.data,
                    name=form.name.data,
                    password=form.password.data,
                    organization_name=form.organization_name.data,
                    breached_passwords_url=settings().breached_passwords_url,
                    by=actor(),
                    now=utc_now(),
                )
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            return render_template("portal/customer/people/check_mail.html", email=form.email.data)
    return render_template("portal/customer/people/sign_up.html", form=form), 422


@bp.get("/confirm-address")
@open_to(Audience.ARRIVED)
def unconfirmed() -> ViewResponse:
    """Where people are led who have not confirmed their address."""
    if current_user().is_confirmed:
        return see_other("/")
    return render_template("portal/customer/people/unconfirmed.html", email=current_user().email, is_sent=False)


@bp.post("/confirm-address")
@per_address("5 per hour")
@per_person("5 per hour")
@open_to(Audience.ARRIVED)
def send_again() -> ViewResponse:
    with acting_as_system(), transaction():
        user = accounts.lock(current_user().user_id)
        if user.email_confirmed_at is None:
            accounts.send_confirmation(user, now=utc_now())
    return render_template("portal/customer/people/unconfirmed.html", email=current_user().email, is_sent=True)


@bp.get("/confirm/<secret>")
@open_to(Audience.ANYBODY)
def show_confirmation(secret: str) -> ViewResponse:
    with acting_as_system():
        _, user = links.find(secret, Purpose.CONFIRM_ADDRESS, now=utc_now())
        return render_template("portal/customer/people/confirm.html", form=PasswordForm(), email=user.email)


@bp.post("/confirm/<secret>")
@per_address("20 per hour")
@open_to(Audience.ANYBODY)
def confirm(secret: str) -> ViewResponse:
    form, now = PasswordForm(), utc_now()
    with acting_as_system():
        email = links.find(secret, Purpose.CONFIRM_ADDRESS, now=now)[1].email
    if form.validate():
        attempt = trying.begin_password(email)
        with acting_as_system(), transaction():
            _, user = links.find(secret, Purpose.CONFIRM_ADDRESS, now=now)
            try:
                accounts.confirm_address(secret, password=form.password.data, by=actor(), now=now)
                attempts.succeed(attempt)
                return go_on_after_password(user, next_path="/")
            except WrongPassword as refused:
                form.password.errors = [f"{refused.title}. {refused.detail}"]
                trying.fail(user, "member.sign_in_failed", attempt)
    return render_template("portal/customer/people/confirm.html", form=form, email=email), 422


@bp.get("/forgotten-password")
@open_to(Audience.ANYBODY)
def forgotten() -> ViewResponse:
    return render_template("portal/customer/people/forgotten.html", form=EmailForm(), sent_to=None)


@bp.post("/forgotten-password")
@per_address("10 per hour")
@per_account("3 per hour")
@open_to(Audience.ANYBODY)
def send_reset() -> ViewResponse:
    form = EmailForm()
    if not form.validate():
        return render_template("portal/customer/people/forgotten.html", form=form, sent_to=None), 422
    with acting_as_system(), transaction():
        new_passwords.ask_for_reset(form.email.data, by=actor(), now=utc_now())
    return render_template("portal/customer/people/forgotten.html", form=form, sent_to=form.email.data)


@bp.get("/reset-password/<secret>")
@open_to(Audience.ANYBODY)
def show_reset(secret: str) -> ViewResponse:
    with acting_as_system():
        _, user = links.find(secret, Purpose.RESET_PASSWORD, now=utc_now())
        return render_template("portal/customer/people/reset.html", form=NewPasswordForm(), email=user.email)


@bp.post("/reset-password/<secret>")
@per_address("20 per hour")
@open_to(Audience.ANYBODY)
def reset(secret: str) -> ViewResponse:
    form, now = NewPasswordForm(), utc_now()
    with acting_as_system():
        _, user = links.find(secret, Purpose.RESET_PASSWORD, now=now)
        email = user.email
    if form.validate():
        try:
            with acting_as_system(), transaction():
                user = new_passwords.reset(
                    secret,
                    password=form.password.data,
                    breached_passwords_url=settings().breached_passwords_url,
                    by=actor(),
                    now=now,
                )
                answer = see_other("/log-in?after=reset")
                know_browser(user, answer, now=now)  # whoever reads the mailbox does not wait for strangers' tries
                return answer
        except InvalidRequest as refused:
            form.blame(refused.errors)
    return render_template("portal/customer/people/reset.html", form=form, email=email), 422


@bp.get("/change-address/<secret>")
@open_to(Audience.ANYBODY)
def show_change(secret: str) -> ViewResponse:
    with acting_as_system():
        token, _ = links.find(secret, Purpose.CHANGE_ADDRESS, now=utc_now())
        return render_template("portal/customer/people/change_address.html", email=token.email)


@bp.post("/change-address/<secret>")
@per_address("20 per hour")
@open_to(Audience.ANYBODY)
def change(secret: str) -> ViewResponse:
    with acting_as_system(), transaction():
        addresses.change_address(secret, by=actor(), now=utc_now())
    return see_other("/log-in?after=address")

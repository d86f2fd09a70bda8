"""`flask smoke URL KEY`: ends with 0 if all that could be seen is right, 1 if something is not, 3 if nobody answers.

2 is a wrong argument, as of every command.
"""

from urllib.parse import urlsplit

import click

from api.keys.token import KeyEnvironment, is_well_formed
from api.smoke.client import Unreachable
from api.smoke.walk import MOST_CHECKS, Outcome, Step, Walk
from core.clock import utc_now

_TONES = {Outcome.PASSED: "green", Outcome.SKIPPED: "yellow", Outcome.FAILED: "red"}
FAILED, UNREACHABLE = 1, 3


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        address = urlsplit(value)
        is_one = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise click.BadParameter("Enter the URL of an installation, such as https://governance.example.com.")
    return value


def _key(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not is_well_formed(value):
        raise click.BadParameter("This is not an API key. It looks like aig_test_… and has no spaces.")
    return value


@click.command("smoke")
@click.argument("url", callback=_address)
@click.argument("key", envvar="AIG_KEY", callback=_key)
@click.option("--live", is_flag=True, help="Allow a live key: its checks are counted and, beyond the plan, charged.")
@click.option(
    "--most-checks",
    type=click.IntRange(min=1),
    default=MOST_CHECKS,
    show_default=True,
    help="Skip the limit test if more than this many checks are left.",
)
def smoke(url: str, key: str, live: bool, most_checks: int) -> None:
    """Test an installation from outside: no key, a key, a check, the log, the limit, a 429.

    KEY can also be set in AIG_KEY, where other users of this machine cannot see it. A key with the scope keys:write
    creates a new key, uses that, and revokes it at the end. Without the scope decisions:read, the log is not checked.
    """
    if key.startswith(f"aig_{KeyEnvironment.LIVE}_") and not live:
        raise click.UsageError("This is a live key: its checks are counted. Use a test key, or add --live.")
    click.echo(f"{url}, with {key[:13]}…\n")
    walk = Walk(url, key, name=f"Smoke test {utc_now():%Y-%m-%d %H:%M:%S}", most_checks=most_checks)
    done = []
    try:
        for step in walk.steps():
            _print(step)
            done.append(step.outcome)
    except Unreachable as why:
        click.echo(f"  {click.style('unreachable', fg='red')}  {why}", err=True)
        raise SystemExit(UNREACHABLE) from why
    click.echo("\n" + ", ".join(f"{done.count(outcome)} {outcome.value}" for outcome in Outcome) + ".")
    if Outcome.FAILED in done:
        raise SystemExit(FAILED)


def _print(step: Step) -> None:
    click.echo(f"  {click.style(f'{step.outcome.value:<8}', fg=_TONES[step.outcome])} {step.name:<10} {step.words}")

"""GO can be had: in a whole world every check turns green by really running."""

from core.db import acting_as_system
from portal.console.launch import services
from portal.console.launch.items import BOARDS, Lead
from tests.people import Person
from tests.portal.launch.whole import World


def confirm_all(operator: Person) -> None:
    for items in BOARDS.values():
        for item in items:
            if item.is_for_a_person:
                assert operator.post(f"/console/launch/items/{item.code}", words="Seen.").status_code == 303


def test_every_check_is_green_by_really_running(here: World) -> None:
    assert here.red() == {}


def test_preflight_ends_with_0_and_go_is_signed_and_decided(here: World) -> None:
    confirm_all(here.operator)

    result = here.app.test_cli_runner().invoke(args=["preflight"])
    signed = [here.operator.post(f"/console/launch/sign/{lead.value}").status_code for lead in Lead]
    decided = here.operator.post("/console/launch/decide", decision="go", reason="All of it is green.")

    assert (result.exit_code, "All green." in result.output) == (0, True), result.output
    assert (signed, decided.status_code) == ([303] * 4, 303)
    with here.app.app_context(), acting_as_system():
        assert services.decisions()[0][0].is_go

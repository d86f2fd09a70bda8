"""The handbook in the console."""

import pytest

from portal.console.chapters import NAMES
from tests.people import Person


@pytest.mark.parametrize("name", NAMES)
def test_an_operator_reads_a_chapter_with_its_figures(operator: Person, name: str) -> None:
    page = operator.get(f"/console/handbook/{name}")

    assert page.status_code == 200
    assert "{{" not in page.text
    assert "&lt;!--" not in page.text


def test_the_list_leads_to_every_chapter(operator: Person) -> None:
    page = operator.get("/console/handbook")

    assert all(f'href="/console/handbook/{name}"' in page.text for name in NAMES)


def test_links_between_chapters_are_links_between_pages(operator: Person) -> None:
    page = operator.get("/console/handbook/troubleshooting")

    assert 'href="/console/handbook/backup-and-restore#the-database-is-gone"' in page.text
    assert '.md"' not in page.text
    assert ".md#" not in page.text


def test_a_chapter_that_does_not_exist_is_not_found(operator: Person) -> None:
    assert operator.get("/console/handbook/nothing").status_code == 404


def test_an_owner_is_no_operator(owner: Person) -> None:
    assert owner.get("/console/handbook").status_code == 403

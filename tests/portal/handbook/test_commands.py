"""Every command of the handbook exists with its options, and the harmless ones are run."""

import importlib.util
import re
import shlex

import click
import pytest
from flask import Flask

from portal.console.chapters import NAMES
from tests.databases import ROOT
from tests.portal.handbook.chapters_read import EVERY_BLOCK, Block, in_backticks, parse_command

OF_THE_SYSTEM = frozenset({"age", "curl", "du", "docker", "git", "openssl", "pg_restore", "promtool", "psql", "sh"})
"""Programs that come with the system or a package of it."""
LINES = [line for block in EVERY_BLOCK for line in block.lines if not line.startswith("#")]
TO_RUN = [block for block in EVERY_BLOCK if block.ends_with is not None]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("flask ")])
def test_a_command_in_a_block_exists_with_its_options(app: Flask, line: str) -> None:
    parse_command(app, line)


@pytest.mark.parametrize("line", ["flask backups create", "flask backup create --fast", "flask backup"])
def test_a_command_that_does_not_exist_would_be_found(app: Flask, line: str) -> None:
    with pytest.raises(click.ClickException):
        parse_command(app, line)


@pytest.mark.parametrize("line", sorted({line for line in LINES if not line.startswith("flask ")}))
def test_any_other_command_is_known(line: str) -> None:
    words = shlex.split(line)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    if words[0] == "make":
        assert words[1] in targets
    elif words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2])
    else:
        assert words[0] in OF_THE_SYSTEM


@pytest.mark.parametrize("name", NAMES)
def test_a_command_within_a_line_exists(app: Flask, name: str) -> None:
    """There it may be named without what it needs."""
    for words in (text for text in in_backticks(name) if text.startswith("flask ")):
        try:
            parse_command(app, words)
        except click.MissingParameter:
            continue


@pytest.mark.parametrize("block", TO_RUN, ids=lambda block: f"{block.chapter}: {'; '.join(block.lines)}")
def test_a_harmless_command_does_its_work_on_a_fresh_database(fresh_app: Flask, block: Block) -> None:
    results = [fresh_app.test_cli_runner().invoke(args=shlex.split(line)[1:]) for line in block.lines]

    for result in results:
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert result.exit_code == block.ends_with, result.output
        assert result.output.strip()

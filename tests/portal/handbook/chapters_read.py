"""The chapters taken apart: commands, what stands in backticks, links, tables and prose."""

import re
import shlex
from collections.abc import Iterator

import click
import flask_migrate.cli
import msgspec
from flask import Flask
from markdown_it.token import Token

from legal_docs.documents.html import parser, to_page
from portal.console.chapters import FOLDER, NAMES
from portal.console.handbook.figures import figures
from portal.docs import articles

BASE_URL = "https://governance.provider.example"
_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- run(?:: (?P<code>\d))? -->\n(?P=indent))?```sh\n(?P<code_lines>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(msgspec.Struct, frozen=True):
    """A block of commands. Those with `ends_with` are harmless, and are run."""

    chapter: str
    lines: tuple[str, ...]
    ends_with: int | None


def source_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text()


def filled(name: str) -> str:
    return articles.read(name, source_of(name), figures(), base_url=BASE_URL).markdown


def blocks_of(name: str) -> list[Block]:
    return [_block(name, found) for found in _BLOCK.finditer(source_of(name))]


def _block(name: str, found: re.Match[str]) -> Block:
    is_run = "<!-- run" in found.group()
    lines = tuple(line.strip() for line in found["code_lines"].splitlines() if line.strip())
    return Block(name, lines, int(found["code"] or 0) if is_run else None)


EVERY_BLOCK = [block for name in NAMES for block in blocks_of(name)]


def anchors_of(name: str) -> set[str]:
    """The ids of all headings, also below those of the table of contents."""
    return set(re.findall(r'<h\d id="([^"]+)"', to_page(filled(name)).html))


def links_of(name: str) -> Iterator[str]:
    for token in _inline(source_of(name)):
        yield from (str(child.attrs["href"]) for child in token.children or () if child.type == "link_open")


def in_backticks(name: str) -> Iterator[str]:
    for token in _inline(source_of(name)):
        yield from (child.content for child in token.children or () if child.type == "code_inline")


def prose_of(markdown: str) -> Iterator[str]:
    """What is neither a block of code nor code within a line, nor a comment for the tests."""
    for token in _inline(re.sub(r"<!--.*?-->", "", markdown)):
        yield "".join(child.content for child in token.children or () if child.type == "text")


def rows_of(name: str) -> dict[str, str]:
    """What tables say of an item: its words by its code."""
    return dict(re.findall(r"^\| `([A-Z]+-\d\d)` ([^|]+?) \|", filled(name), re.MULTILINE))


def parse_command(app: Flask, line: str) -> None:
    """Reads a command as the shell would, without running it. Raises click.ClickException for what does not exist."""
    flask = click.Group("flask", commands={**app.cli.commands, "db": flask_migrate.cli.db})
    _parse(flask, shlex.split(line)[1:], click.Context(flask))


def _parse(group: click.Group, words: list[str], parent: click.Context) -> None:
    if not words:
        raise click.UsageError(f"{group.name} alone does nothing.")
    name, command, rest = group.resolve_command(parent, words)
    assert command is not None
    if isinstance(command, click.Group):
        _parse(command, rest, click.Context(command, info_name=name, parent=parent))
    else:
        command.make_context(name, rest, parent=parent)


def _inline(markdown: str) -> list[Token]:
    return [token for token in parser().parse(markdown) if token.type == "inline"]

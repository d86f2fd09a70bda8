"""Completion of commands and options, worked out from the parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator


def words_of(parser: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, list[str]]]:
    """For each command, by its words before: what may follow."""
    following: list[str] = []
    for action in parser._actions:  # noqa: SLF001  argparse has no other list of them
        following += action.option_strings
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            following += list(action.choices)
            for name, below in action.choices.items():
                yield from words_of(below, f"{before} {name}".strip())
    yield before, following


_BASH = """_aig() {{
    local path="" word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $word == -* ]] || path="${{path:+$path }}$word"
    done
    case "$path" in
{cases}
    esac
}}
complete -o default -F _aig aig
"""


def completion_script(shell: str, parser: argparse.ArgumentParser) -> str:
    if shell == "fish":
        return "".join(_fish_lines(parser))
    cases = "\n".join(
        f'        "{before}") COMPREPLY=($(compgen -W \'{" ".join(words)}\' -- "${{COMP_WORDS[COMP_CWORD]}}")) ;;'
        for before, words in words_of(parser)
    )
    script = _BASH.format(cases=cases)
    return script if shell == "bash" else f"autoload -U +X bashcompinit && bashcompinit\n{script}"


def _fish_lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    for before, words in words_of(parser):
        seen = " and ".join(f"__fish_seen_subcommand_from {word}" for word in before.split())
        condition = seen or "__fish_use_subcommand"
        yield f"complete -c aig -n '{condition}' -a '{' '.join(words)}'\n"

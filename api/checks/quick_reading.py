"""The quick way to read a question: decoded in C to the types of an organization's facts, its names and values known.

It accepts nothing that `facts.read_question` would refuse, and leaves to it whatever is not plainly well: a name that
is unknown or repeated, an escape, a value of another type. That one then finds the exact path and words of a refusal,
or reads what was only unusual. Values of codes are judged once: a value that was honest in a fact stays so.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypedDict, cast

import msgspec
from msgspec import Meta

from api.checks.distinct_values import DistinctValues, is_code
from api.content.refusal import looks_like_content
from api.policies.evaluator import CheckFacts, CompiledPolicy, FactValue
from api.policies.facts import FIRST_CARD, CheckQuestion, is_honest
from api.vocabulary import ALIASES, BUILT_IN, MAX_BATCH, MAX_FACTS, MAX_INTEGER, MAX_TOKENS, Fact, FactType
from core.errors import InvalidRequest

MOST_KNOWN, MOST_IDS_KNOWN, LONGEST_KNOWN = 2_000, 100, 64
"""Values of a fact that are kept: of codes, and of what may be new every time; and their length."""
MOST_LEARNED_AT_ONCE = 16
"""Values of one question that are looked at for the first time: each takes as long as reading the rest."""
_KEY_ENDS = re.compile(rb'"\s*:')
_FIELDS = ("model", "operation", "subject")
_TYPES: Mapping[FactType, Any] = {
    FactType.BOOLEAN: bool,
    FactType.INTEGER: Annotated[int, Meta(ge=0, le=MAX_INTEGER)],
    FactType.NUMBER: Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
    | Annotated[float, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)],
    FactType.TOKEN: str,
    FactType.TOKENS: Annotated[tuple[str, ...], Meta(max_length=MAX_TOKENS)],
}


class _Unusual(Exception):
    pass


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    operation: str
    metadata: dict[str, FactValue] | None = None
    subject: str | None = None


class QuickReader:
    """For one policy version. Used by one thread at a time, or by several: what two learn at once is the same."""

    def __init__(self, policy: CompiledPolicy, values: DistinctValues) -> None:
        self._organization_id = policy.organization_id
        self._values = values
        self._facts = {name: fact for name, fact in policy.facts.items() if _is_plain(name)}
        self._renamed = {alias: name for alias, name in ALIASES.items() if alias not in policy.facts}
        self._learned_in = values.generation
        self._known: dict[str, set[str]] = {name: set() for name in (*self._facts, *_FIELDS)}
        self._known |= {alias: self._known[name] for alias, name in self._renamed.items()}
        names = {**self._facts, **{alias: self._facts[name] for alias, name in self._renamed.items()}}
        question = _question_of(names)
        self._decode = msgspec.json.Decoder(question).decode
        checks = msgspec.defstruct(
            "Checks",
            [("checks", Annotated[list[question], Meta(min_length=1, max_length=MAX_BATCH)])],  # type: ignore[valid-type]
            forbid_unknown_fields=True,
        )
        self._decode_batch = msgspec.json.Decoder(checks).decode

    def read(self, body: bytes) -> CheckQuestion | None:
        """None where the other way has to read it."""
        try:
            question: _Question = _decoded(self._decode, body)
            _need_names(body, _names_of(question))
            return self._read(question)
        except _Unusual:
            return None

    def read_batch(self, body: bytes) -> list[CheckQuestion] | None:
        """None where the other way has to read one of them."""
        try:
            questions: list[_Question] = _decoded(self._decode_batch, body).checks
            _need_names(body, 1 + sum(map(_names_of, questions)))
            return list(map(self._read, questions))
        except _Unusual:
            return None

    def _read(self, question: _Question) -> CheckQuestion:
        """Raises _Unusual."""
        if self._learned_in != self._values.generation:
            self._forget()
        stated = question.metadata or {}
        if len(stated) > MAX_FACTS:
            raise _Unusual
        if question.subject is not None and not is_honest("subject", question.subject, self._facts):
            raise _Unusual
        self._need_honest(question, stated)
        if not self._renamed.keys().isdisjoint(stated):
            stated = self._with_usual_names(stated)
        facts = CheckFacts(model=question.model, operation=question.operation.lower(), metadata=stated)
        return CheckQuestion(facts=facts, subject=question.subject)

    def _with_usual_names(self, stated: Mapping[str, FactValue]) -> dict[str, FactValue]:
        renamed = {self._renamed.get(name, name): value for name, value in stated.items()}
        if len(renamed) != len(stated):
            raise _Unusual  # two spellings of a fact, which may contradict each other
        return renamed

    def _need_honest(self, question: _Question, stated: Mapping[str, FactValue]) -> None:
        known = self._known
        fields = (("model", question.model), ("operation", question.operation))
        new = [(name, token) for name, token in fields if token not in known[name]]
        for name, value in stated.items():
            kind = value.__class__
            if kind is str:
                if value not in known[name]:
                    new.append((name, cast("str", value)))
            elif kind is tuple:
                new += [(name, token) for token in cast("tuple[str, ...]", value) if token not in known[name]]
            elif kind is int and cast("int", value) >= FIRST_CARD:
                raise _Unusual
        for name, token in new[:MOST_LEARNED_AT_ONCE]:
            self._learn(name, token)
        if len(new) > MOST_LEARNED_AT_ONCE:
            raise _Unusual

    def _learn(self, given_name: str, token: str) -> None:
        """Raises _Unusual where a value is not honest; that of a code is known from now on."""
        name = self._renamed.get(given_name, given_name)
        if not is_honest(name, token, self._facts):
            raise _Unusual
        try:
            self._values.need_few_of(self._organization_id, name, token.lower() if name == "operation" else token)
        except InvalidRequest as refusal:
            raise _Unusual from refusal
        known = self._known[given_name]
        most = MOST_KNOWN if is_code(name) else MOST_IDS_KNOWN
        if len(token) <= LONGEST_KNOWN and len(known) < most:
            known.add(token)

    def _forget(self) -> None:
        """A new day: what is known has to be counted anew."""
        self._learned_in = self._values.generation
        for known in self._known.values():
            known.clear()


def _is_plain(name: str) -> bool:
    """A customer's own fact whose name could be one for content depends on its value, and is left to the other way."""
    return name in BUILT_IN or not looks_like_content(name)


def _question_of(facts: Mapping[str, Fact]) -> Any:
    metadata = TypedDict("metadata", {name: _TYPES[fact.type] for name, fact in facts.items()}, total=False)  # type: ignore[misc]
    return msgspec.defstruct(
        "Question",
        [
            ("model", str),
            ("operation", str),
            ("metadata", metadata | None, None),
            ("subject", str | None, None),
        ],
        forbid_unknown_fields=True,
    )


def _decoded(decode: Callable[[bytes], Any], body: bytes) -> Any:
    if b"\\" in body:
        raise _Unusual
    try:
        return decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _Unusual from error


def _need_names(body: bytes, count: int) -> None:
    """A body without escapes has so many names and no more: one that is repeated or unknown was not read.

    Each name has a colon, so where there are as many colons as names were read, there is no other name.
    """
    if body.count(b":") != count and len(_KEY_ENDS.findall(body)) != count:
        raise _Unusual


def _names_of(question: _Question) -> int:
    """How many of them were read."""
    metadata = question.metadata
    return 2 + (question.subject is not None) + (0 if metadata is None else 1 + len(metadata))

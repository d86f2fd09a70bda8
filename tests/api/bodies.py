"""Bodies of checks made at random, honest and hostile, for what must hold of all of them."""

import json
from random import Random
from typing import Any

from api.vocabulary import ALIASES, BUILT_IN, Fact, FactType
from tests.api.conditions import CUSTOM

VOCABULARY = {**BUILT_IN, **{name: Fact(name, kind, "A custom fact.") for name, kind in CUSTOM.items()}}
_HONEST = ("eu", "us-east-1", "support", "reply_draft", "v1.2.3", "4711", "crm_read", "sha-9f8e7d6c", "a", "A-1")
_SUSPECT = (
    "4111111111111111",
    "max@example.com",
    "DE89370400440532013000",
    "please-write-a-letter-to-my-aunt-about-the-house-we-sold",
    "two words",
    "",
    "ä",
    "x" * 129,
    "a:b:c",
    "api.example.com",
    "https://example.com/a",
    "sk-live-51HxxxxxxxxxxxxxxxxxxxxxxxxQ",
)
_ODD: tuple[Any, ...] = (None, {}, [], [[]], 1.0, -1, 0, 2**53, 2**53 - 1, 2**70, 1e300, True, "true", 4111111111111111)
_NAMES = (*VOCABULARY, *ALIASES)


def body(random: Random) -> bytes:
    """Most are well, or have one thing that is not."""
    question: dict[str, Any] = {
        "model": random.choice(("gpt-4o", "mistral/large", "GPT-4o", "claude@20260101")),
        "operation": random.choice(("chat", "Chat", "fine-tuning")),
        "metadata": {name: _value(random, name) for name in random.sample(_NAMES, random.randrange(12))},
    }
    if random.random() < 0.2:
        question["subject"] = random.choice(("user-4711", "p_9f8e", "max@example.com", "Max Example"))
    for _ in range(random.choice((0, 0, 0, 0, 1, 2))):
        random.choice(_SPOILERS)(random, question)
    return _written(random, question)


def batch(random: Random, size: int) -> bytes:
    return b'{"checks":[' + b",".join(body(random) for _ in range(size)) + b"]}"


def _value(random: Random, name: str) -> Any:
    fact = VOCABULARY[name if name in VOCABULARY else ALIASES[name]]
    if random.random() < 0.03:
        return random.choice((*_ODD, *_SUSPECT))
    tokens = _HONEST if random.random() < 0.97 else _SUSPECT
    match fact.type:
        case FactType.BOOLEAN:
            return random.random() < 0.5
        case FactType.INTEGER:
            return random.choice((0, 1, 800, 2**53 - 1))
        case FactType.NUMBER:
            return random.choice((0, 0.2, 1, -1.5, 1e3))
        case FactType.TOKENS:
            return random.sample(("email", "iban", "E-Mail", *tokens[:1]), random.randrange(3))
        case FactType.TOKEN:
            return random.choice(fact.choices or tokens)


def _unknown_name(random: Random, question: dict[str, Any]) -> None:
    _metadata(question)[random.choice(("nowhere", "depatment", "a" * 200, "x.y"))] = random.choice((1, "a", {"b": 1}))


def _content_name(random: Random, question: dict[str, Any]) -> None:
    place = question if random.random() < 0.5 else _metadata(question)
    place[random.choice(("prompt", "messages", "Input-Text", "prompt_tokens", "prompt_length"))] = random.choice(
        ("hello", 12, [{"content": "x"}])
    )


def _odd_field(random: Random, question: dict[str, Any]) -> None:
    question[random.choice(("model", "operation", "metadata", "subject"))] = random.choice((*_ODD, *_SUSPECT))


def _no_field(random: Random, question: dict[str, Any]) -> None:
    question.pop(random.choice(("model", "operation", "metadata")), None)


def _many_facts(_random: Random, question: dict[str, Any]) -> None:
    question["metadata"] = dict.fromkeys([f"n{number}" for number in range(60)], 1)


_SPOILERS = (_unknown_name, _content_name, _odd_field, _no_field, _many_facts)


def _metadata(question: dict[str, Any]) -> dict[str, Any]:
    found = question.get("metadata")
    if not isinstance(found, dict):
        found = question["metadata"] = {}
    return found


def _written(random: Random, question: dict[str, Any]) -> bytes:
    separators = random.choice(((",", ":"), (", ", ": "), (" , ", " : "), (",\n", "\t:\n")))
    text = json.dumps(question, separators=separators, ensure_ascii=random.random() < 0.5, indent=None)
    spoil = random.random()
    if spoil < 0.04:
        return _repeated(random, text).encode()
    if spoil < 0.06:
        return text[: random.randrange(len(text))].encode()
    if spoil < 0.08:
        return text.replace("e", "\\u0065", 1).encode()
    if spoil < 0.09:
        return text.encode() + random.choice((b" ", b"x", b"{}", b"\x00"))
    if spoil < 0.1:
        return text.encode().replace(b"a", b"\xff", 1)
    return text.encode()


def _repeated(random: Random, text: str) -> str:
    """With a name that comes twice, the second time with white space before its colon or without."""
    again = random.choice(('"model":"other",', '"model" :"other",', '"operation"\n: "chat",', '"metadata":{},'))
    return text.replace("{", "{" + again, 1)

"""Requests of all kinds, from a source of chance: honest ones, odd ones, and content in every dress."""

import base64
import string
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from api.content import personal_numbers
from api.policies.document import PolicyDocument, facts_of
from api.vocabulary import ALIASES, Fact, FactType
from tests.api.tokens import BLOBS, DRESSED, HONEST, NO_HOSTS, URLS
from tests.sdk.engines.policies import KINDS, MODELS, NUMBERS, OPERATIONS, TEXTS

SAMPLES = tuple(
    sorted({*BLOBS, *NO_HOSTS, *URLS, *(one for some in (*DRESSED.values(), *HONEST.values()) for one in some)})
)
CONTENT_NAMES: tuple[str, ...] = (
    "prompt",
    "user_prompt",
    "Messages",
    "inputText",
    "in-put",
    "ｐｒｏｍｐｔ",
    "proMPt_2",
    "pr\u00b7ompt",
    "data",
)
CONTENT_NAMES += ("ınput", "meſſage", "KONTEXT", "text\u0301", "anſwer", "body", "custom_body", "ﬁle_input", "ẞtext")
OTHER_NAMES: tuple[str, ...] = (
    "departmnt",
    "foo",
    "prompt_length",
    "context",
    "is_externl",
    "\u00e4",
    "x" * 70,
    "y" * 200,
    "",
    "π.pi",
)
OTHER_NAMES += (
    "gen_ai.request.max_token",
    "context_length",
    "count_of_words\n",
    "Department",
    "model",
    "ßß",
    "😀",
    "__proto__",
)
ODD: tuple[Any, ...] = (None, True, False, 0, 1, -1, 0.5, 1e21, 1e300, 2**53 - 1, 2**53, 10**20, 4111111111111111)
ODD += (
    "",
    "free text",
    "ü",
    "a\nb",
    "\ud83d\ude00",
    "x" * 129,
    [],
    ["a"],
    ["a", 1],
    ["a"] * 21,
    {},
    {"a": {"prompt": 1}},
    [[]],
)
_LETTERS = string.ascii_letters + string.digits
_MASKS: tuple[str, ...] = (
    "#" * 11,
    "#" * 13,
    "#" * 15,
    "#" * 16,
    "###-##-####",
    "+## ### ####### ",
    "0### #######",
    "ssn:#########",
)
_MASKS += (
    "(###) ###-####",
    "AB######C",
    "####-####-####-####",
    "########Z",
    "X#######Z",
    "######-###Z",
    "19######-####",
    "###.###.###",
)
_MASKS += (
    "20##-##-##",
    "##.##.##.##",
    "tel:##########",
    "#" * 18,
    "756##########",
    "v#.#.#-##########",
    "+49-##-########",
)


def request(chance: Random, document: PolicyDocument) -> Any:
    if chance.random() < 0.01:
        return chance.choice(ODD)
    asked: dict[str, Any] = {
        "model": chance.choice(MODELS) if chance.random() < 0.95 else anything(chance),
        "operation": chance.choice(OPERATIONS) if chance.random() < 0.95 else anything(chance),
        "metadata": _metadata(chance, document) if chance.random() < 0.97 else anything(chance),
    }
    if chance.random() < 0.1:
        asked["subject"] = token(chance) if chance.random() < 0.8 else anything(chance)
    if chance.random() < 0.02:
        asked[chance.choice((*OTHER_NAMES, *CONTENT_NAMES, "models", "metdata"))] = anything(chance)
    if chance.random() < 0.02:
        del asked[chance.choice(list(asked))]
    return asked


def _metadata(chance: Random, document: PolicyDocument) -> dict[str, Any]:
    facts = facts_of(document)
    chosen = chance.sample(list(facts), chance.choice((0, 1, 2, 3, 4, 6, 12, len(facts))))
    is_well = chance.random() < 0.75
    stated = {name: _value(chance, facts[name], is_well=is_well) for name in chosen}
    aliases = [alias for alias in ALIASES if alias not in facts]
    for alias in chance.sample(aliases, chance.choice((0, 0, 0, 1, 2))):
        stated[alias] = _value(chance, facts[ALIASES[alias]], is_well=is_well)
    if not is_well and chance.random() < 0.3:
        stated[chance.choice((*OTHER_NAMES, *CONTENT_NAMES))] = anything(chance)
    if not is_well and chance.random() < 0.02:
        stated |= {f"{chance.choice('abc')}{number}": number for number in range(chance.choice((50, 300)))}
    return stated


def _value(chance: Random, fact: Fact, *, is_well: bool) -> Any:
    if not is_well and chance.random() < 0.1:
        return anything(chance)
    if fact.choices:
        return chance.choice(fact.choices if is_well or chance.random() < 0.8 else TEXTS)
    if fact.name == "pii_types":
        return chance.sample(KINDS if is_well else (*KINDS, "emial", "x"), chance.randint(0, 3))
    return _VALUES[fact.type](chance, is_well)


def _token(chance: Random, is_well: bool) -> str:
    return chance.choice(TEXTS) if is_well else token(chance)


_VALUES: Mapping[FactType, Callable[[Random, bool], Any]] = {
    FactType.BOOLEAN: lambda chance, _: chance.random() < 0.5,
    FactType.INTEGER: lambda chance, _: chance.choice([one for one in NUMBERS if isinstance(one, int) and one >= 0]),
    FactType.NUMBER: lambda chance, _: chance.choice(NUMBERS),
    FactType.TOKEN: _token,
    FactType.TOKENS: lambda chance, is_well: [_token(chance, is_well) for _ in range(chance.randint(0, 4))],
}


def anything(chance: Random) -> Any:
    return chance.choice(ODD) if chance.random() < 0.5 else token(chance)


def token(chance: Random) -> str:
    """What may stand in a fact, or may not: each kind about as often."""
    return chance.choice(_TOKENS)(chance)


def _masked(chance: Random) -> str:
    made = "".join(_filled(chance, character) for character in chance.choice(_MASKS))
    made = made.replace(" ", chance.choice("-._/"))
    return chance.choice((made, made, f"id{made}", f"case-{made}", f"{made}-b"))


def _filled(chance: Random, character: str) -> str:
    if character == "#":
        return chance.choice(string.digits)
    return chance.choice(string.ascii_uppercase) if character == "Z" else character


def _number(chance: Random) -> str:
    """One that has the check digits of a person's or a card's."""
    length, checks = chance.choice(list(vars(personal_numbers)["_BY_LENGTH"].items()))
    check = chance.choice((*checks, personal_numbers.is_card))
    size = 16 if check is personal_numbers.is_card else length
    start = {13: "756", 15: "1"}.get(size, chance.choice(("4", "5", "3", "")) if size == 16 else "")
    for _ in range(400):
        made = (start + "".join(chance.choices(string.digits, k=size)))[:size]
        if check(made):
            return chance.choice((made, f"{made[:4]}-{made[4:]}", f"n{made}", f"a/{made}"))
    return made


def _iban(chance: Random) -> str:
    account = "".join(chance.choices(string.digits, k=18))
    check = 98 - int(f"{account}131400") % 97
    return f"{chance.choice(('', 'iban'))}DE{check:02}{account}"


def _encoded(chance: Random) -> str:
    said = chance.choice(
        ("call anna at noon", "müller wohnt hier", "{a: 1}", "anna@example.org", "kind:4711", "\x00\x01\x02abcdef")
    )
    raw = said.encode()
    made = chance.choice(
        (base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b32encode(raw), raw.hex().encode())
    )
    text = made.decode().rstrip("=")
    return chance.choice((text, f"v1.{text}", text.upper(), f"{text[:9]}-{text[9:]}"))


def _sentence(chance: Random) -> str:
    words = (
        "please",
        "the",
        "is",
        "not",
        "Anna",
        "wants",
        "invoice",
        "today",
        "review",
        "has",
        "ich",
        "a",
        "b",
        "john",
        "my",
    )
    said = chance.choices(words, k=chance.randint(2, 9))
    return chance.choice(("-", "_", ".", "")).join(word.title() if chance.random() < 0.3 else word for word in said)


def _random(chance: Random) -> str:
    return "".join(
        chance.choices(
            f"{_LETTERS}{chance.choice(('', '._:/+-'))}", k=chance.choice((1, 6, 12, 16, 20, 28, 33, 40, 64, 66, 128))
        )
    )


def _pure(chance: Random) -> str:
    return "".join(
        chance.choices(
            chance.choice(
                (string.digits, string.ascii_lowercase, "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
            ),
            k=chance.choice((8, 10, 12, 16, 24, 32, 40, 41, 64)),
        )
    )


def _mixed(chance: Random) -> str:
    some, other = chance.choice(SAMPLES), chance.choice(SAMPLES)
    cut = chance.randint(0, len(some))
    return f"{some[:cut]}{chance.choice(('', '-', ':', '.'))}{other[cut:]}"[:128]


def _mailed(chance: Random) -> str:
    at, dot = chance.choice(("-at-", "_at_", ".at.", "at", ":at:")), chance.choice((".", "-dot-", "_"))
    host, end = chance.choice(("gmail", "example", "web", "acme-corp")), chance.choice(("com", "de", "co.uk", "x"))
    return f"anna{chance.choice(('.b', ''))}{at}{host}{dot}{end}"


def _host(chance: Random) -> str:
    return chance.choice(
        (
            "api.example.com",
            "api.example.com:8443",
            "::1",
            "10.0.0.1:80",
            f"https://example.com/{'ab/' * chance.randint(9, 18)}c",
            "http://x/y",
            "a..b",
            "https://example.com/internal/documents/overview/reports",
            "https://example.com/internal/documents/overview/reports/quarter-four",
            "a_b.example.",
            "-a.b",
            "www.example.com/a",
            "https://example.com/a/b-c",
        )
    )


_TOKENS = (
    _masked,
    _masked,
    _number,
    _iban,
    _encoded,
    _sentence,
    _random,
    _pure,
    _mixed,
    _mailed,
    _host,
    lambda chance: chance.choice(SAMPLES),
    lambda chance: chance.choice(TEXTS),
)

"""How much room each kind of token has before it is taken for content: a version may be a hash, a purpose may not."""

import re

import msgspec


class Room(msgspec.Struct, frozen=True):
    """How much a kind of token may hold before it is taken for content."""

    words: int = 10
    run: int = 28
    """From this many mixed characters on without a separator it is a blob."""
    is_opaque: bool = False
    """Ids and hashes are usual here."""
    is_version: bool = False
    is_model: bool = False
    is_host: bool = False
    is_pseudonym: bool = False
    is_word: bool = False
    """A number alone is hardly usual here, so ten digits are a phone number before they are a code."""


CODES = Room(run=20, is_word=True)
PHONES = Room(is_word=True)
CUSTOM = Room()
TOOLS = Room(words=14)
OPAQUE = Room(words=14, run=65, is_opaque=True)
VERSIONS = Room(words=14, run=65, is_opaque=True, is_version=True)
MODELS = Room(words=20, run=33, is_model=True)
HOSTS = Room(words=20, run=33, is_host=True)
PSEUDONYMS = Room(words=14, run=129, is_opaque=True, is_pseudonym=True)

_ROOMS = {
    "purpose": CODES,
    "department": CODES,
    "user_role": CODES,
    "data_region": CODES,
    "model_region": CODES,
    "model_family": MODELS,
    "gen_ai.provider.name": CODES,
    "application": OPAQUE,
    "application_version": VERSIONS,
    "gen_ai.agent.name": TOOLS,
    "gen_ai.tool.name": TOOLS,
    "tool_names": TOOLS,
    "server.address": HOSTS,
}
_OPAQUE_NAME = re.compile(
    r"(?:^|[._])(?:id|uuid|guid|ulid|hash|sha|sha\d+|digest|checksum|fingerprint|commit|ref|trace)$"
)
_PHONE_NAME = re.compile(r"(?:^|[._])(?:tel|phone|telephone|mobile|cell|fax|sms|whatsapp|callback|caller)(?:[._]|$)")
_VERSION_NAME = re.compile(r"(?:^|[._])(?:version|revision|release|build|tag)$")


def room_of(fact: str) -> Room:
    """What may stand in a fact of this name."""
    known = _ROOMS.get(fact)
    if known is not None:
        return known
    if _PHONE_NAME.search(fact):
        return PHONES
    if _VERSION_NAME.search(fact):
        return VERSIONS
    return OPAQUE if _OPAQUE_NAME.search(fact) else CUSTOM

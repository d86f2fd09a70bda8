"""What buyers' security questionnaires ask, and how the service is protected, with the figures that hold filled in."""

import re
from functools import cache

import msgspec

from legal_docs.documents.html import to_html
from portal.docs.articles import DOCS, read
from portal.docs.figures import figures

_SOURCE = DOCS / "security-questions.md"
_PROTECTION = (
    ("In transit", "transport", "{} or newer, with HSTS on every response."),
    ("At rest", "storage_cipher", "{} or equivalent. Backups are encrypted before they leave our servers."),
    (
        "API keys",
        "key_bits",
        "{} random bits, shown once and stored as a hash. Revoked keys stop working within a second.",
    ),
    ("Passwords", "password_hash", "Stored as {} hashes and checked against known leaks."),
)
_OTHER_PROTECTION = (
    ("Tenants", "Separated by PostgreSQL row-level security. The application's database role owns no tables."),
    ("Second factor", "Authenticator apps and passkeys for everyone; mandatory for our operators."),
    ("Browsers", "A strict content security policy, and no third-party scripts, fonts or trackers."),
    ("Supply chain", "Dependencies pinned by hash. The bill of materials of the running release is public."),
)


class Question(msgspec.Struct, frozen=True):
    """`answer` is HTML; its last line names the source."""

    question: str
    answer: str


@cache
def answered(*, base_url: str) -> dict[str, list[Question]]:
    """By group."""
    article = read("security-questions", _SOURCE.read_text(), figures(), base_url=base_url)
    groups = re.split(r"^## ", article.markdown, flags=re.MULTILINE)[1:]
    return {group.partition("\n")[0]: [_question(part) for part in group.split("\n### ")[1:]] for group in groups}


def protection() -> list[tuple[str, str]]:
    known = figures()
    return [*((title, words.format(known[figure])) for title, figure, words in _PROTECTION), *_OTHER_PROTECTION]


def _question(part: str) -> Question:
    title, _, text = part.partition("\n")
    return Question(title, to_html(text))

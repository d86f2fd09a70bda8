"""Values for tokens: honest ones of every kind, and content that dresses as a token."""

import base64
from pathlib import Path


def _sections(name: str) -> dict[str, list[str]]:
    parts = (Path(__file__).parent / name).read_text().split("[")[1:]
    return {part.partition("]")[0]: part.partition("]")[2].split() for part in parts}


HONEST = _sections("honest_tokens.txt")
"""By the field or fact in which they are honest."""
DRESSED = _sections("dressed_tokens.txt")


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


BLOBS = [
    base64_of("Patient John Doe has diabetes"),
    base64_of("John Doe born 1970")[:20],
    base64_of("Müller, Größe 1,80 m")[:24],
    "x." + base64_of("Ada Lovelace, 12 Main Street"),
    base64.urlsafe_b64encode(b"what?>>is the salary of Ada?").decode().rstrip("="),
    base64.b32encode(b"Patient John Doe").decode().rstrip("="),
    b"Hello world, Ada".hex(),
    "code-" + b"John Doe has cancer".hex().upper(),
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "0af7651916cd43dd8448eb211c80319c",
    "H4sIAAAAAAAAA8tIzcnJVyjPL8pJUQQAbcK0AwwAAAA",
    "kX9vQ2mZ7pLw4RtY8sBn3cJd",
    "4a6f686e-2044-6f65-2068-61732063616e",
]
URLS = [
    "https://example.com/" + base64_of("John Doe has cancer"),
    "https://example.com/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z",
    "http://example.com/kX9vQ2mZ7pLw4RtY8sBn3cJd",
]
NO_HOSTS = [
    "https://api.openai.com",
    "api.openai.com/v1/chat",
    "https://x.example/" + base64_of("John Doe has cancer"),
    base64_of("John Doe has cancer") + ".example.com",
    "api..example.com",
    "api.example.com:port",
    "john+doe.example.com",
]

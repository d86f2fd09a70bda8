"""The static status page on another host: every file goes to a bucket that any host shows as a website."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import RetryConfig, S3Config

HOME = "index.html"
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "atom": "application/atom+xml; charset=utf-8",
    "woff2": "font/woff2",
}
_KEPT = "public, max-age=60"
_RETRIES: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
"""Five minutes later it is tried again anyway."""


class BucketTrouble(Exception):
    """In our words: a store's own can quote requests with their signatures."""


def push(url: str, files: Iterable[tuple[str, bytes]]) -> int:
    """Puts every file, each whole or not at all; how many. Raises BucketTrouble."""
    store, count = _open(url), 0
    try:
        for name, content in files:
            kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
            obstore.put(store, name, content, attributes={"Content-Type": kind, "Cache-Control": _KEPT})
            count += 1
    except (BaseError, OSError) as error:
        words = f"The bucket of STATUS_PUSH_URL accepted only {count} files ({type(error).__name__})."
        raise BucketTrouble(words) from error
    return count


def pushed_at(url: str) -> datetime | None:
    """When the front page was put there the last time; None if it never was. Raises BucketTrouble."""
    try:
        found: datetime = obstore.head(_open(url), HOME)["last_modified"]
    except FileNotFoundError:
        return None
    except (BaseError, OSError) as error:
        raise BucketTrouble(f"The bucket of STATUS_PUSH_URL does not respond ({type(error).__name__}).") from error
    return found


def _open(url: str) -> S3Store:
    """`s3://key:secret@bucket/prefix?endpoint=https://…&region=…`; without a key, the machine's own role."""
    address = urlsplit(url)
    options = {name: values[0] for name, values in parse_qs(address.query).items()}
    config: S3Config = {"virtual_hosted_style_request": False}
    if "endpoint" in options:
        config["endpoint"] = options["endpoint"]
    if "region" in options:
        config["region"] = options["region"]
    if address.username and address.password:
        config["access_key_id"], config["secret_access_key"] = unquote(address.username), unquote(address.password)
    return S3Store(
        address.netloc.rpartition("@")[2],
        prefix=address.path.strip("/") or None,
        config=config,
        client_options={"allow_http": config.get("endpoint", "").startswith("http://"), "timeout": "20 seconds"},
        retry_config=_RETRIES,
    )

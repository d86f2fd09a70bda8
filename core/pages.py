"""What every page can use: assets that may be kept for ever, the reader's theme, and the filters of core.formats."""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, has_request_context, request, url_for

from core.clock import utc_now
from core.formats import ago, counted, day, duration, iso, number, percent, utc
from core.ids import public_id
from core.user_agents import browser_name

STATIC = Path(__file__).with_name("static")
STYLES = tuple(
    f"styles/{part}.css" for part in ("tokens", "base", "layout", "components", "forms", "tables", "pages", "print")
)
"""In the order in which they apply; docs/decisions says why there is no framework beneath."""
ICONS = "vendor/lucide-1.62.0.svg"
FONT = "vendor/inter-4.1-latin.woff2"
TEMPLATES = Path(__file__).with_name("templates")
PLAIN_FRAME = "core/plain.html"
"""Around pages for everybody; the portal puts its own around what signed-in people see."""
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
ASSET_LIFE_S = 31_536_000


def init_app(app: Flask) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = ASSET_LIFE_S
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(asset=asset, frame=PLAIN_FRAME, styles=STYLES, icons=ICONS, font=FONT)
    app.jinja_env.filters.update(
        iso=iso,
        utc=utc,
        day=day,
        ago=_ago,
        duration=duration,
        number=number,
        counted=counted,
        percent=percent,
        public_id=_shown,
        browser_name=browser_name,
    )
    app.context_processor(lambda: {"theme": chosen_theme()})


def asset(name: str) -> str:
    """The address of a static file; it changes with the file, so browsers may keep it for ever."""
    return url_for("static", filename=name, v=_digest(name))


def style_version() -> str:
    """Changes with any stylesheet: which look somebody saw."""
    return hashlib.sha256("".join(map(_digest, STYLES)).encode()).hexdigest()[:10]


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def chosen_theme() -> str:
    wanted = request.cookies.get(THEME_COOKIE, "auto") if has_request_context() else "auto"
    return wanted if wanted in THEMES else "auto"


def _ago(moment: datetime) -> str:
    return ago(moment, now=utc_now())


def _shown(identifier: Any, prefix: str) -> str:
    return public_id(prefix, identifier)

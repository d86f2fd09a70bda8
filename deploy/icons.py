"""`python -m deploy.icons FOLDER`: writes the sprite of icons from an unpacked lucide-static package.

Each icon is a symbol of its name, without colours of its own, so that `core/macros.html` can place it in any text.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPRITE = ROOT / "core" / "static" / "vendor" / "lucide-1.62.0.svg"
ICONS = (
    *("activity", "archive", "arrow-down", "arrow-left", "arrow-right", "arrow-up", "arrow-up-right", "ban", "bell"),
    *("book-open", "bookmark", "building-2", "calendar", "chart-column", "check", "chevron-down", "chevron-left"),
    *("chevron-right", "chevrons-up-down", "circle-alert", "circle-check", "circle-question-mark", "circle-x", "clock"),
    *("code", "copy", "corner-down-left", "credit-card", "database", "download", "ellipsis", "external-link", "eye"),
    *("eye-off", "file-check", "file-text", "fingerprint", "flag", "funnel", "gauge", "git-compare", "globe", "hash"),
    *(
        "history",
        "inbox",
        "info",
        "key-round",
        "layers",
        "layout-dashboard",
        "life-buoy",
        "link",
        "list-checks",
        "lock",
    ),
    *("loader-circle", "log-out", "mail", "menu", "minus", "monitor", "moon", "paperclip", "pencil", "phone", "play"),
    *("plus", "printer", "receipt", "refresh-cw", "rocket", "rotate-ccw", "scale", "scroll-text", "search", "send"),
    *("server", "settings", "shield-check", "siren", "smartphone", "sparkles", "sun", "table", "tag", "terminal"),
    *(
        "trash-2",
        "triangle-alert",
        "upload",
        "user-plus",
        "user-round",
        "users",
        "wallet",
        "webhook",
        "wrench",
        "x",
        "zap",
    ),
)
_DRAWING = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_STROKES = 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'


def sprite(folder: Path) -> str:
    return "\n".join(
        [
            "<!-- Lucide 1.62.0, ISC license: lucide-1.62.0.LICENSE.txt -->",
            '<svg xmlns="http://www.w3.org/2000/svg">',
            *(_symbol(name, (folder / "icons" / f"{name}.svg").read_text()) for name in sorted(ICONS)),
            "</svg>\n",
        ]
    )


def _symbol(name: str, text: str) -> str:
    found = _DRAWING.search(text)
    if found is None:
        raise ValueError(f"{name}.svg is no drawing")
    shapes = " ".join(found[1].split())
    return f'<symbol id="{name}" viewBox="0 0 24 24" {_STROKES}>{shapes}</symbol>'


if __name__ == "__main__":
    SPRITE.write_text(sprite(Path(sys.argv[1])))

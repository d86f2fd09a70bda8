"""HTML of a mail as plain text: what a reader sees, no styles and no scripts. Imports no database.

libxml2 reports what it meets without making a tree, so the time grows with the length alone, whatever is nested.
"""

from lxml import etree

_SILENT = frozenset({"script", "style", "template", "title"})
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
_CELLS = frozenset({"td", "th"})
_LONGEST_ADDRESS = 500


def words_of(markup: str) -> str:
    """Addresses of links stand behind their words, descriptions in the place of pictures."""
    content = markup.replace("\x00", "").encode("utf-8", "replace")
    if not content.strip():
        return ""
    parser = etree.HTMLParser(target=_Words(), encoding="utf-8", huge_tree=True, no_network=True)
    try:
        return str(etree.fromstring(content, parser))
    except etree.XMLSyntaxError:
        return ""


class _Words:
    """Is told of tags and text in turn."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._silent = self._kept_lines = 0
        self._links: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._silent += tag in _SILENT
        self._kept_lines += tag == "pre"
        if tag in _BLOCKS:
            self._said.append("\n* " if tag == "li" else "\n")
        elif tag == "a":
            self._links.append(attributes.get("href", "").strip())
        elif tag == "img" and attributes.get("alt", "").strip():
            self._said.append(f"[{attributes['alt'].strip()}]")

    def end(self, tag: str) -> None:
        self._silent -= tag in _SILENT
        self._kept_lines -= tag == "pre"
        if tag in _BLOCKS and tag != "br":
            self._said.append("\n\n" if tag == "p" else "\n")
        elif tag in _CELLS:
            self._said.append("  ")
        elif tag == "a" and self._links:
            self._say_address(self._links.pop())

    def data(self, text: str) -> None:
        if not self._silent:
            self._said.append(text if self._kept_lines else _in_one_line(text))

    def comment(self, text: str) -> None:
        """Not for readers."""

    def close(self) -> str:
        lines = [line.rstrip() for line in "".join(self._said).replace("\xa0", " ").split("\n")]
        kept = [line for number, line in enumerate(lines) if line.strip() or (number and lines[number - 1].strip())]
        return "\n".join(line if line.strip() else "" for line in kept).strip("\n")

    def _say_address(self, address: str) -> None:
        lately = "".join(self._said[-3:])
        is_one = address.lower().startswith(("http://", "https://")) and len(address) <= _LONGEST_ADDRESS
        if is_one and address.rstrip("/") not in lately:
            self._said.append(f" <{address}>")


def _in_one_line(text: str) -> str:
    spaced = " ".join(text.split(" ")) if text.isspace() else " ".join(text.split())
    before, after = " " if text[:1].isspace() else "", " " if text[-1:].isspace() else ""
    return " " if not spaced.strip() else f"{before}{spaced}{after}"

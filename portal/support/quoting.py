"""What somebody wrote in a mail, without the mail that they answered. Imports no database.

Our mails begin with a line above which answers belong, so a quotation of them is known by that line; one without it is
known by the marks before its lines. No pattern is matched against what a stranger sent, so none can run for long.
"""

LINE_ABOVE = "Please reply above this line."
_LONGEST_ATTRIBUTION = 3
"""Lines, such as: On Thu, 1 Oct 2026 at 10:00, Support <support@company.com> wrote:"""


def latest(words: str) -> str:
    """The newest words of a mail; all of them, if nothing is quoted, or if they stand between quoted lines."""
    lines = words.splitlines()
    for number, line in enumerate(lines):
        is_marked = line.lstrip().startswith(">")
        if is_marked and any(_is_written(later) for later in lines[number:]):
            break
        if is_marked or LINE_ABOVE in line:
            return _without_attribution(lines[:number]) or words.strip()
    return words.strip()


def _is_written(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(">")


def _without_attribution(lines: list[str]) -> str:
    """Mail programs say above a quotation whose it is: the last lines, up to a blank one, if they end in a colon."""
    text = "\n".join(lines).strip()
    if not text.endswith(":"):
        return text
    kept = text.splitlines()
    for count in range(1, min(_LONGEST_ATTRIBUTION, len(kept)) + 1):
        if count == len(kept) or not kept[-count - 1].strip():
            return "\n".join(kept[:-count]).strip()
    return "\n".join(kept[:-1]).strip()

"""Headers as they are sent, for an answer that is made too often to be put together from pairs each time."""

from collections.abc import Iterable, Iterator


class HeaderLines:
    """One line for each, with its end, names in small letters. Whoever wants them one by one gets them as pairs."""

    __slots__ = ("lines",)

    def __init__(self, lines: bytes) -> None:
        self.lines = lines

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for line in self.lines.decode("latin-1").split("\r\n")[:-1]:
            name, _, value = line.partition(": ")
            yield name, value


def lines_of(headers: Iterable[tuple[str, str]]) -> str:
    """Raises ValueError for one with a line break in it."""
    lines = [f"{name.lower()}: {value}" for name, value in headers]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header of an answer has a line break in it")
    return "".join(f"{line}\r\n" for line in lines)

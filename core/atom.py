"""A feed in Atom (RFC 4287)."""

from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

import msgspec

from core.formats import iso
from core.patterns import for_xml

ATOM_TYPE = "application/atom+xml; charset=utf-8"
_ATOM = "http://www.w3.org/2005/Atom"


class FeedEntry(msgspec.Struct, frozen=True):
    id: str
    title: str
    url: str
    text: str
    at: datetime


def feed(entries: Sequence[FeedEntry], *, title: str, page_url: str, feed_url: str, now: datetime) -> bytes:
    """`entries` the newest first; `now` is stated where there is none."""
    root = ET.Element("feed", xmlns=_ATOM)
    ET.SubElement(root, "id").text = page_url
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "updated").text = iso(entries[0].at if entries else now)
    ET.SubElement(root, "link", rel="self", href=feed_url)
    ET.SubElement(root, "link", rel="alternate", href=page_url)
    ET.SubElement(ET.SubElement(root, "author"), "name").text = "AI Governance"
    for entry in entries:
        _add(root, entry)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _add(root: ET.Element, entry: FeedEntry) -> None:
    item = ET.SubElement(root, "entry")
    ET.SubElement(item, "id").text = entry.id
    ET.SubElement(item, "title").text = for_xml(entry.title)
    ET.SubElement(item, "updated").text = iso(entry.at)
    ET.SubElement(item, "link", href=entry.url)
    ET.SubElement(item, "content", type="text").text = for_xml(entry.text)

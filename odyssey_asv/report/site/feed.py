"""Regressions as an Atom feed (RFC 4287)."""

from __future__ import annotations

import uuid
from xml.etree import ElementTree as ET

from odyssey_asv.past.timeline import Found, History
from odyssey_asv.report.history import words
from odyssey_asv.report.html.paper import text

_ATOM = "http://www.w3.org/2005/Atom"
_NAMESPACE = uuid.UUID("5d0d1f0c-6f0f-5c5e-9f6e-3d3c1c0b7a11")
_MOST = 100


def feed(project: str, history: History, link: dict[str, str]) -> bytes:
    """The newest regressions that hold; `link` has the page of each benchmark. An entry keeps its id over
    rebuilds: that of the case, the place and the commit. What was seen at the newest commits only is left
    out, for it may be gone tomorrow and a feed takes nothing back."""
    held = [found for found in history.regressions if found.change.confirmed]
    newest = sorted(held, key=lambda found: -found.change.after)[:_MOST]
    root = ET.Element("feed", {"xmlns": _ATOM})
    _add(root, "title", f"Regressions of {text(project)}")
    _add(root, "id", _id(project))
    moments = history.line.moments
    latest = max((moment.date for moment in moments.values()), default="")
    _add(root, "updated", latest or "1970-01-01T00:00:00Z")
    _add(_add(root, "author", ""), "name", text(project))
    for found in newest:
        _entry(root, project, found, history, link[found.trend.series.benchmark.id])
    ET.indent(root)
    return b"%s\n" % ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _entry(root: ET.Element, project: str, found: Found, history: History, page: str) -> None:
    change, line = found.change, history.line
    after = line.moments[change.after]
    place = found.trend.series.place
    entry = _add(root, "entry", "")
    case = words.case(found.trend, history)
    _add(entry, "title", f"{text(case)} {words.change(change)}")
    _add(entry, "id", _id("\0".join((project, found.trend.label, *place, after.commit))))
    _add(entry, "updated", after.date or "1970-01-01T00:00:00Z")
    _add(entry, "link", "").set("href", page)
    said = (
        f"{words.values(found)}, interval {words.interval(change)}, {words.where(change, line)}"
        f" ({words.commits(change, line)}), {words.place(place)}. {text(after.subject)}"
    )
    _add(entry, "summary", said)


def _add(parent: ET.Element, name: str, content: str) -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = _allowed(content) or None
    return child


def _allowed(content: str) -> str:
    """Without what XML cannot hold."""
    return "".join(
        c for c in content if c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff"
    )


def _id(of: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, of.encode('utf-8', 'replace').decode())}"

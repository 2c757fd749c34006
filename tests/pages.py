"""A page of HTML taken apart: strict about what is left open, for every element, text and drawing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

VOID = {"meta", "input", "br", "link", "img", "hr"}
_UNREAD = re.compile(r"(<(style|script)>)\n.*?(</\2>)", re.DOTALL)


class Page(HTMLParser):
    """Every element with its attributes in order, every text with the elements it is in."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"{tag} was not open"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self._open), data))

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The elements of a kind whose attributes hold these words; `class_` stands for `class`."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag and all(v in found.get(key, "").split() for key, v in wanted.items())
        ]

    def inside(self, tag: str) -> list[str]:
        """The texts within elements of a kind, white space aside."""
        found = (text.strip() for within, text in self.texts if tag in within)
        return [text for text in found if text]

    @property
    def words(self) -> str:
        """Everything that can be read, and not the style sheet and the script."""
        unread = {"style", "script"}
        return "\n".join(text for within, text in self.texts if not unread & {*within})

    @property
    def drawings(self) -> list[ET.Element]:
        """Every drawing, read as strict XML."""
        return [
            ET.fromstring(found)
            for found in re.findall(r"<svg.*?</svg>", self.source, flags=re.DOTALL)
        ]

    @property
    def links(self) -> list[str]:
        return [found["href"] for _, found in self.elements if "href" in found]

    @property
    def ids(self) -> list[str]:
        return [found["id"] for _, found in self.elements if "id" in found]


def shown(text: str) -> str:
    """A page without its style sheet and script, for the golden files."""
    return _UNREAD.sub(r"\1…\3", text)


ELEMENTS = {
    "html", "head", "meta", "title", "style", "script", "body", "header", "main", "footer", "section",
    "article", "div", "span", "i", "b", "p", "h1", "h2", "h3", "a", "bdi", "ul", "li", "dl", "dt", "dd",
    "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption",
    "label", "input", "output", "pre", "code", "svg", "g", "path", "circle", "rect", "text",
}  # fmt: skip
"""What our pages are made of."""


def check_page(text: str) -> Page:
    """What holds of every report, whatever is in it: nothing asked of a network, nothing foreign become
    markup, every link leading somewhere, every drawing with a name."""
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert (
        len(page.all("script")) == len(page.all("style")) == len(page.all("title")) - _titles(page)
    )
    attributes = {(name, value) for _, found in page.elements for name, value in found.items()}
    assert not [name for name, _ in attributes if name.startswith("on") or name == "src"]
    assert {link[0] for link in page.links} <= {"#"}
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= {*page.ids}
    assert [value for name, value in attributes if name == "style" and "url" in value] == []
    for drawing in page.drawings:
        box = [float(number) for number in drawing.attrib["viewBox"].split()]
        assert box[:2] == [0, 0]
        assert all(side > 0 for side in box[2:])
        if drawing.get("aria-hidden") != "true":
            (named,) = [e for e in drawing.iter() if e.get("role") == "img"]
            assert named[0].tag == "title"
            assert named[0].text
    assert text.replace("\n", "").isprintable()
    numbers = " ".join(v for n, v in attributes if n in ("d", "x", "y", "cx", "cy", "viewBox"))
    assert re.findall("nan|inf", numbers) == []
    return page


def _titles(page: Page) -> int:
    """Titles within drawings."""
    return sum(len(list(drawing.iter("title"))) for drawing in page.drawings)

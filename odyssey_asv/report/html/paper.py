"""What every page is written on: templates that show whatever they are handed as text, and one style
sheet. Knows no kind of report.

`environment("site")` finds the templates of `report/site/templates` first, then those beside this file:
`base.html` is the frame of a page, `parts.html` has macros, `style.css` says what classes there are.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey_asv.units import one_line, printable

if TYPE_CHECKING:
    import jinja2

_REPORT = Path(__file__).parent.parent
_SHARED = Path(__file__).parent / "templates"


@functools.cache
def environment(folder: str) -> jinja2.Environment:
    """The templates of `report/<folder>` and the shared ones. They escape always; what is not defined is
    an error; control characters and marks that turn the direction of text show as `\ufffd`.

    Templates know `style` and `script`, the texts of `style.css` and `page.js`.
    """
    # Most commands write no page, and this takes longer to load than they take.
    import jinja2
    from markupsafe import Markup

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_REPORT / folder / "templates", _SHARED]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    made.globals["style"] = Markup(style())  # noqa: S704 (our own file)
    made.globals["script"] = Markup(_shared("page.js"))  # noqa: S704 (the same)
    return made


def style() -> str:
    """The style sheet that all pages share."""
    return _shared("style.css")


def document(name: str, **parts: Any) -> str:
    """A whole page in one file from one of the templates of reports."""
    return environment("html").get_template(name).render(**parts)


def number(value: float) -> str:
    """A coordinate in as few characters as are seen; what is not finite is far outside."""
    if not math.isfinite(value):
        return "-9999" if value < 0 else "9999"
    return f"{value:.1f}".removesuffix(".0")


def text(value: str, longest: int = 400) -> str:
    """One line of printable text, cut where it is endless."""
    line = one_line(value)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _shared(name: str) -> str:
    return (_SHARED / name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """What a template writes of a value; markup is ours already and stays."""
    return printable(value) if type(value) is str and not value.isprintable() else value

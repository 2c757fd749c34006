"""A real Chromium for tests of pages: what it says on its console, and what it asks the network for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    """Chromium's path. Without one tests are skipped; where CI runs they fail."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is not None:
        return found
    reason = "no Chromium here: apt-get install chromium"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Heard:
    """What a page said and asked for."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without sandbox, for tests may run as root."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def listen(page: Page, inside: str) -> Heard:
    """Hear every error of a page, and every request for an address that does not begin with `inside`."""
    heard = Heard()
    page.on("console", lambda m: heard.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: heard.errors.append(str(error)))
    page.on(
        "request",
        lambda r: (
            None if r.url.startswith((inside, "data:", "blob:")) else heard.outside.append(r.url)
        ),
    )
    return heard


def address(folder: Path, name: str) -> str:
    return (folder / name).as_uri()

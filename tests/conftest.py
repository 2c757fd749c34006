"""What every test shares: a home of its own, no state of the person who runs the tests."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are drawn depends on what else the machine does.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# Each takes a minute or more. They begin first, so that no worker is left alone with one at the end.
SLOW = (
    "test_cli_bisect",
    "test_cli_run",
    "test_mojo",
    "test_workflows",
    "test_cli_check",
    "test_cli_fleet",
    "test_cli_fleet_bisect",
    "test_fleet_dask",
    "test_environments_real",
    "test_cli_shards",
    "test_cli_baseline",
)

FIXTURES = Path(__file__).parent / "fixtures"

# A shell that starts the tests with `&` lets all that they start ignore Ctrl-C, which some of them press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh HOME without asv machine file or git configuration, and plain, wide output."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name, value in {
        "GIT_AUTHOR_NAME": "A Tester",
        "GIT_AUTHOR_EMAIL": "tester@example.invalid",
        "GIT_COMMITTER_NAME": "A Tester",
        "GIT_COMMITTER_EMAIL": "tester@example.invalid",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ODYSSEY_TRACEBACK", raising=False)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Any]:
    """Mounts a file system of a given size, or a read-only one, and takes it away afterwards."""
    mounted: list[Path] = []

    def mounter(folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        words = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        if subprocess.run(words, check=False, capture_output=True).returncode:
            pytest.skip("mounting is not allowed here")
        mounted.append(folder)

    yield mounter
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow modules first, otherwise in the order that was drawn."""
    items.sort(key=lambda item: item.path.stem not in SLOW)

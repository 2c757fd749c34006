"""The studies of bisecting: their repositories hold what they say, and their pictures load nothing."""

from __future__ import annotations

import json
import random
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.studies.bisecting import ASV, ODYSSEY, SHAPES, Search, make, read, table
from benchmarks.studies.picture import picture
from benchmarks.studies.searching import study


def units(root: Path, commit: str) -> int:
    """How much work a commit does."""
    shown = subprocess.run(
        ["git", "show", f"{commit}:known.py"], cwd=root, check=True, capture_output=True, text=True
    )
    found = re.search(r"in range\((\d+)\):\n        for", shown.stdout)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_culprit_makes_the_step(tmp_path: Path, shape: str) -> None:
    """Of fifteen per cent against its parent; between the ends of the range it is still there."""
    history = make(tmp_path / "history", shape, 8, 15, random.Random(3))
    before, after = units(history.root, history.good), units(history.root, "main")
    if history.culprit is None:
        assert shape == "nothing"
        assert before == after
        return
    step = units(history.root, history.culprit) - units(history.root, f"{history.culprit}~1")
    assert step == 15
    assert after - before == (10 if shape == "fix" else 15)


def search(tool: str, answer: str, seconds: float, builds: int | None = None) -> Search:
    return Search("2026-11-26", tool, 64, "linear", 15, False, answer, seconds, builds)


def test_searches_of_one_setting_are_counted_together(tmp_path: Path) -> None:
    log = tmp_path / "log"
    made = [
        search(ASV, "wrong", 9.0),
        search(ODYSSEY, "right", 40.0, 8),
        search(ASV, "right", 7.0),
        search(ODYSSEY, "right", 44.0, 9),
    ]
    log.write_text("".join(json.dumps(asdict(one)) + "\n" for one in made))
    assert read(log) == made
    assert table(made) == [
        "64 commits, linear, +15 %:",
        "  asv find: right 1 of 2 (50.0%, 1.3% to 98.7%); wrong 1 of 2 (50.0%, 1.3% to 98.7%)",
        "    8 s (7 to 9)",
        "  odyssey bisect: right 2 of 2 (100.0%, 15.8% to 100.0%)",
        "    42 s (40 to 44), builds 8 (most 9)",
    ]


def test_the_simulation_counts_every_kind() -> None:
    *kinds, together, linear = study(1, seed=0)[1:]
    assert len(kinds) == 2 * (3 * 6 + 3)
    assert f"right {sum('right 1' in kind for kind in kinds)} of {len(kinds)} " in together
    assert "of 6 " in linear


def test_a_picture_loads_nothing() -> None:
    """Whatever the report holds, it is text in the picture."""
    drawn = picture("\x1b[1;31mREGRESSION\x1b[0m <script>\n", "odyssey check")
    assert "REGRESSION" in drawn
    assert "<script>" not in drawn
    assert "url(" not in re.sub(r"url\(#", "", drawn)

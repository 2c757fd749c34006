"""The recipes of docs/sharding.md, run as they stand as far as a machine without their systems can."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import paired_projects
from tests.paired_projects import CODE
from tests.projects import ODYSSEY, PYTHON, load, make

PAGE = (Path(__file__).parent.parent / "docs" / "sharding.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"<!-- run: (\w+) -->\n```sh\n(.*?)```", re.DOTALL)
BLOCKS = dict(_BLOCK.findall(PAGE))


def sh(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(ODYSSEY).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, env={**os.environ, **env, "PATH": path},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_three_calls_and_an_import(tmp_path: Path) -> None:
    project = paired_projects.Project(tmp_path / "project", paired_projects.COPIED)
    project.write(".gitignore", (project.root / ".gitignore").read_text() + "shards\n")
    project.commit("ignore shards")
    project.git("checkout", "--quiet", "-b", "change")
    project.write("subject.py", CODE.format(turns=600))
    project.commit("slower")
    done = sh(BLOCKS["check"], project.root)
    assert done.returncode == 1, done.stderr
    assert "REGRESSION: the contender must not pass" in done.stdout


def test_a_slurm_array(tmp_path: Path) -> None:
    """Two of its tasks, one after the other, as Slurm would set their variables."""
    # As installed, so that nothing is built; only HEAD can be measured so.
    project = make(tmp_path / "project", environment_type="existing", pythons=[PYTHON])
    project.git("tag", "v1.0")
    commit = project.commit("the only one after v1.0")
    for task in ("1", "2"):
        done = sh(
            BLOCKS["slurm"], project.path, **project.environment,
            SLURM_ARRAY_TASK_ID=task, SLURM_ARRAY_TASK_COUNT="2",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    answer = project.here("import", "shards")
    assert answer.code == 0, answer.words()
    (path,) = answer.paths
    document = load(path)
    assert document["commit"]["hash"] == commit
    assert document["environment"]["machine"] == "epyc"


def workflow() -> Any:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return {"on": "pull_request", "permissions": {}, **yaml.safe_load(found[1])}


def test_the_workflow_is_one(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yml"
    path.write_text(yaml.safe_dump(workflow()))
    check = [str(Path(ODYSSEY).parent / "check-jsonschema"), "--builtin-schema"]
    done = subprocess.run(
        [*check, "vendor.github-workflows", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("job", ["shard", "verdict"])
def test_the_workflow_calls_what_there_is(tmp_path: Path, job: str) -> None:
    """Its words are this command's: no project is needed to find out."""
    steps = workflow()["jobs"][job]["steps"]
    (line,) = [step["run"] for step in steps if "odyssey" in step.get("run", "")]
    assert line.startswith("uvx --from odyssey-asv odyssey ")
    done = sh(f"{line.removeprefix('uvx --from odyssey-asv ')} --help", tmp_path, SHARD="1")
    assert done.returncode == 0, done.stderr

"""As much of a GitHub runner as the `run:` steps of this repository need: its files, variables and shell.

Steps come from the YAML itself, with their `env:`, `if:` and `shell:`. Of actions of others (`uses:`) only
what they leave on the machine is done, by functions that a test hands in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
# What GitHub runs a step's words with, by the name of the shell; None where a step names none.
SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    None: ["bash", "-e"],
}
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|always\(\)|hashFiles\([^)]*\)|[\w.\-]+)")


def document(path: Path) -> Any:
    """A workflow or an action. `on` is no boolean here."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in found.items()}


def workflows() -> dict[str, Any]:
    return {path.name: document(path) for path in sorted((GITHUB / "workflows").glob("*.yml"))}


def actions() -> dict[str, Any]:
    return {
        path.parent.name: document(path) for path in sorted(GITHUB.glob("actions/*/action.yml"))
    }


def evaluate(text: str, context: Mapping[str, Any]) -> Any:
    """The value of an expression of what is used here: names, texts, comparisons, `&&`, `||`."""
    tokens = _TOKEN.findall(text)
    assert "".join(tokens).replace(" ", "") == re.sub(r"\s", "", text), f"not understood: {text}"

    def value() -> Any:
        token = tokens.pop(0)
        if token == "always()":
            return True
        if token.startswith("hashFiles("):
            return "a-hash"
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        found: Any = context
        for part in token.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return "" if found is None else found

    def compared() -> Any:
        left = value()
        while tokens and tokens[0] in ("==", "!="):
            same = tokens.pop(0) == "=="
            left = (left == value()) is same
        return left

    def both() -> Any:
        left = compared()
        while tokens and tokens[0] == "&&":
            tokens.pop(0)
            right = compared()
            left = right if left else left
        return left

    left = both()
    while tokens:
        assert tokens.pop(0) == "||"
        right = both()
        left = left or right
    return left


def filled(value: Any, context: Mapping[str, Any]) -> str:
    """A value of the YAML as a step gets it."""
    return _EXPRESSION.sub(lambda match: str(evaluate(match[1], context)), str(value))


@dataclass
class Done:
    """What became of the steps of a job or an action."""

    code: int = 0
    log: str = ""
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """A machine that runs one job: `workspace` is the checkout, `event` what happened. `doing` does what
    an action of others would leave, by its name without version."""

    folder: Path
    workspace: Path
    event_name: str
    event: Mapping[str, Any]
    more: Mapping[str, str] = field(default_factory=dict)
    doing: Mapping[str, Callable[[Runner, dict[str, str]], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.temp.mkdir(parents=True, exist_ok=True)
        (self.folder / "event.json").write_text(json.dumps(self.event), encoding="utf-8")
        self.summary.touch()

    @property
    def temp(self) -> Path:
        return self.folder / "_temp"

    @property
    def summary(self) -> Path:
        return self.folder / "summary.md"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def variables(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GIT_", "GITHUB_", "RUNNER_", "ODYSSEY_", "INPUT_"))
        }
        return kept | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_REPOSITORY": "owner/project",
            "GITHUB_RUN_ID": "77",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(self.folder),
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp),
            **self.more,
        }

    def context(self) -> dict[str, Any]:
        return {
            "github": {
                "event_name": self.event_name,
                "event": self.event,
                "ref_type": self.more.get("GITHUB_REF_TYPE", "branch"),
                "token": "the-token",
            },
            "runner": {"temp": str(self.temp), "os": "Linux"},
        }

    def action(self, name: str, *, skip: str | None = None, **inputs: str) -> Done:
        """Run one of our composite actions, all but the step of one name."""
        folder = GITHUB / "actions" / name
        found = document(folder / "action.yml")
        given = {key.replace("_", "-"): value for key, value in inputs.items()}
        assert set(given) <= set(found["inputs"])
        context = self.context()
        context["inputs"] = {
            key: given.get(key, filled(entry.get("default", ""), context))
            for key, entry in found["inputs"].items()
        }
        steps = [
            step for step in found["runs"]["steps"] if skip is None or step.get("name") != skip
        ]
        assert skip is None or len(steps) == len(found["runs"]["steps"]) - 1
        done = self.steps(steps, context, {"GITHUB_ACTION_PATH": str(folder)})
        done.outputs = {
            key: filled(entry["value"], context) for key, entry in found.get("outputs", {}).items()
        }
        return done

    def steps(
        self,
        steps: list[dict[str, Any]],
        context: dict[str, Any],
        more: Mapping[str, str],
        shell: str | None = None,
    ) -> Done:
        """Run steps in order; after one that failed, only those that say `always()`. `shell` is the
        default of the workflow."""
        done = Done()
        context["steps"] = {}
        for step in steps:
            wanted = str(step.get("if", "true")).removeprefix("${{").removesuffix("}}")
            if done.code and "always()" not in wanted:
                continue
            if wanted != "true" and not evaluate(wanted, context):
                continue
            if "uses" in step:
                self._use(step, context, done)
            else:
                self._run({"shell": shell, **step}, context, more, done)
        return done

    def _use(self, step: dict[str, Any], context: dict[str, Any], done: Done) -> None:
        name = step["uses"].partition("@")[0]
        given = {key: filled(value, context) for key, value in step.get("with", {}).items()}
        done.used.append((name, given))
        work = {"actions/upload-artifact": upload, **self.doing}.get(name)
        if work is not None:
            work(self, given)

    def _run(
        self, step: dict[str, Any], context: dict[str, Any], more: Mapping[str, str], done: Done
    ) -> None:
        script, output = self.folder / "step.sh", self.folder / "output"
        script.write_text(step["run"], encoding="utf-8")
        output.write_text("", encoding="utf-8")
        env = {key: filled(value, context) for key, value in step.get("env", {}).items()}
        ran = subprocess.run(
            [*SHELLS[step.get("shell")], str(script)],
            cwd=self.workspace, env={**self.variables(), **more, "GITHUB_OUTPUT": str(output), **env},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        done.log += ran.stdout
        lines = output.read_text(encoding="utf-8").splitlines()
        if "id" in step:
            context["steps"][step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}
        if ran.returncode and not step.get("continue-on-error"):
            done.code = ran.returncode


def upload(runner: Runner, given: dict[str, str]) -> None:
    """What actions/upload-artifact keeps: nothing from a hidden folder, and not nothing."""
    source = Path(given["path"])
    hidden = [part for part in source.relative_to(runner.folder).parts if part.startswith(".")]
    assert not hidden, f"{source}: hidden files are left out"
    shutil.copytree(source, runner.artifacts / given["name"])

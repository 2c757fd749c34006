"""An environment that is there: what it is called, what it holds, what a process in it must see."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odyssey_asv.adapter.environments.installer import (
    PROJECT,
    Order,
    asv_vars,
    environment,
    installed,
)
from odyssey_asv.adapter.environments.recipes import Instructions, Recipe, distribution
from odyssey_asv.adapter.environments.storage import ENVIRONMENT, digest


@dataclass(frozen=True, slots=True)
class Built:
    """An environment that holds the project at a commit.

    `python` is the interpreter inside it and `checkout` the project's files at that commit. `vars` is
    what benchmarks must see beside the environment of whoever starts them; `environment` puts the two
    together. `seconds` is what it took to make it, however long ago.
    """

    recipe: Recipe
    commit: str
    folder: Path
    python: Path
    checkout: Path
    packages: Mapping[str, str]
    python_version: str
    reused: bool
    seconds: float
    vars: Mapping[str, str]

    def environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of a process, as asv has it: an outer PYTHONPATH does not get in."""
        kept = {name: value for name, value in outer.items() if name not in _PATHS}
        return kept | dict(self.vars)


_PATHS = ("PYTHONPATH", "ASV_PYTHONPATH")


@dataclass(eq=False, slots=True)
class Side:
    """One side on its way to an environment: what it is to be made of, and what is known of it so far.

    `content` identifies it, `wheel_content` its wheel, up to the versions of what it requires, which
    are in `lock` when they are settled: those of `like` where that can be. `fresh` sets it apart from
    others of equal content. `status` is what it says of itself once it is there.
    """

    name: str
    order: Order
    wheel_content: Mapping[str, Any]
    content: Mapping[str, Any]
    fresh: str | None = None
    like: Side | None = None
    wheel: Path | None = None
    lock: tuple[str, ...] | None = None
    status: Mapping[str, Any] | None = None
    reused: bool = False
    began: float = field(default_factory=time.monotonic)

    @property
    def key(self) -> str:
        return digest(self.content)

    @property
    def preferred(self) -> tuple[str, ...]:
        return (self.like.lock or ()) if self.like is not None else ()

    def to_status(self, folder: Path) -> dict[str, Any]:
        """What its folder will say of it when it is whole."""
        packages, project = installed(folder)
        return {
            "kind": ENVIRONMENT,
            "name": self.order.recipe.name,
            "commit": self.order.commit,
            "content": self.key,
            "preferences": [digest(self.preferred)],
            "parts": ["bin/python", PROJECT],
            "lock": self.lock or (),
            "packages": packages,
            "project": project,
            "python_version": self.order.interpreter.version,
            "seconds": round(time.monotonic() - self.began, 3),
        }

    def to_built(self, instructions: Instructions) -> Built:
        assert self.status is not None
        folder = Path(self.status["folder"])
        own = asv_vars(instructions, self.order, folder)
        chosen = self.order.recipe.run_vars
        whole = environment(os.environ, chosen, own, folder)
        names = {*chosen, *own, "PATH", "PIP_USER", "PYTHONPATH"}
        return Built(
            recipe=self.order.recipe,
            commit=self.order.commit,
            folder=folder,
            python=folder / "bin" / "python",
            checkout=folder / PROJECT,
            packages=dict(self.status["packages"]),
            python_version=self.status["python_version"],
            reused=self.reused,
            seconds=self.status["seconds"],
            vars={name: whole[name] for name in sorted(names) if name in whole},
        )


def differences(first: Side, second: Side) -> tuple[str, ...]:
    """Warnings for what two sides do not have in common besides the project."""
    ours, theirs = _others(first), _others(second)
    warnings = []
    changed = [
        f"{name} ({ours[name]} and {theirs[name]})"
        for name in sorted(ours.keys() & theirs.keys())
        if ours[name] != theirs[name]
    ]
    if changed:
        warnings.append(
            f"{first.name} and {second.name} need different versions of {', '.join(changed)}:"
            " a difference in speed may be theirs"
        )
    for side, only in ((first, ours.keys() - theirs.keys()), (second, theirs.keys() - ours.keys())):
        if only:
            warnings.append(f"only the {side.name} needs {', '.join(sorted(only))}")
    return tuple(warnings)


def _others(side: Side) -> dict[str, str]:
    """What is installed besides the project, by normal name."""
    assert side.status is not None
    project = set(side.status["project"])
    return {
        distribution(name): version
        for name, version in side.status["packages"].items()
        if name not in project
    }

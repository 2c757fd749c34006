"""Makes what is missing of one side or of two at once: wheels, versions, environments.

Programs run in threads, one a side; everything else, what the caller is told among it, happens in the
caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from odyssey_asv.adapter.environments import wheels
from odyssey_asv.adapter.environments.built import Side
from odyssey_asv.adapter.environments.commands import (
    BuildFailedError,
    CommandFailedError,
    OutOfTimeError,
    Runner,
)
from odyssey_asv.adapter.environments.installer import PROJECT, Installer
from odyssey_asv.adapter.environments.recipes import Instructions, distribution, requirements
from odyssey_asv.adapter.environments.storage import ENVIRONMENT, WHEEL, Claim, Storage, digest
from odyssey_asv.errors import CannotMeasureError

_NO_PREFERENCE = ""

CheckOut = Callable[[str, Path], None]
OnStep = Callable[[str, str], object]
T = TypeVar("T")


class Maker:
    """Finds environments in the storage and makes those that are not there."""

    def __init__(  # noqa: PLR0913 (what it works with)
        self,
        instructions: Instructions,
        storage: Storage,
        runner: Runner,
        uv: str,
        check_out: CheckOut,
        *,
        full_builds: bool = False,
    ) -> None:
        self._full_builds = full_builds
        self._instructions = instructions
        self._storage = storage
        self._runner = runner
        self._check_out = check_out
        self._installer = Installer(instructions, runner, uv)

    def make(self, sides: Sequence[Side], on_step: OnStep) -> None:
        """Find each side, or make it."""
        for side in sides:
            self._look(side, on_step)
        missing = [side for side in sides if side.status is None]
        if not missing:
            return
        if self._instructions.build is None:
            self._wheels(missing, on_step)
        for side in missing:
            self._settle(side)
        self._environments(missing, on_step)

    def _look(self, side: Side, on_step: OnStep) -> None:
        unsettled = side.like is not None and side.like.lock is None
        if side.fresh or unsettled:
            return
        side.status = self._storage.find(side.key, digest(side.preferred))
        if side.status is not None:
            side.lock, side.reused = tuple(side.status["lock"]), True
            on_step(side.name, "found")

    def _wheels(self, sides: Sequence[Side], on_step: OnStep) -> None:
        """The wheel of each side: kept, for a commit may need another environment."""
        by_name: dict[str, list[Side]] = {}
        for side in sides:
            content = side.wheel_content
            if not side.fresh and (status := self._storage.find(digest(content), _NO_PREFERENCE)):
                side.wheel = Path(status["folder"], status["parts"][0])
                continue
            # Two sides of one commit have one wheel.
            fresh = sides[0].fresh
            by_name.setdefault(self._storage.name(WHEEL, content, fresh), []).append(side)
        firsts = {name: of[0] for name, of in by_name.items()}
        with self._storage.claimed(by_name, _tell_waiting(firsts, on_step)) as claims:
            todo = {firsts[name]: c for name, c in claims.items() if c.status is None}
            for side, claim in todo.items():
                on_step(side.name, "building")
                self._check_out(side.order.commit, claim.folder / PROJECT)
            kept = {side: self._kept(side) for side in todo}
            self._together(
                todo,
                lambda side: self._wheel(side, todo[side].folder, kept[side]),
                lambda side, wheel: self._storage.finish(todo[side], self._of_wheel(side, wheel)),
            )
            for name, claim in claims.items():
                assert claim.status is not None
                for side in by_name[name]:
                    side.wheel = claim.folder / claim.status["parts"][0]

    def _kept(self, side: Side) -> list[Path]:
        """Wheels of other commits, from one of which this one's may be made."""
        if self._full_builds or side.fresh or self._instructions.repo_subdir:
            return []
        found = self._storage.family(_family(side))
        return [Path(status["folder"], status["parts"][0]) for status in found]

    def _wheel(self, side: Side, folder: Path, kept: Sequence[Path]) -> str:
        """Make a side's wheel in the folder: from another's where a build would only copy, else built."""
        checkout, log = folder / PROJECT, side.order.log
        before = {} if self._instructions.repo_subdir else wheels.sources(checkout)
        for wheel in kept:
            known = wheels.load(wheel.parent)
            made = known and wheels.derive(known, wheel, checkout, before, folder)
            if made:
                wheels.save(made[1], folder)
                self._runner.note(f"{side.name}: its wheel is made from {wheel}", log)
                return made[0].name
        name = self._installer.wheel(side.order, folder)
        found = wheels.survey(folder / name, checkout, before) if before else None
        if found is not None:
            wheels.save(found, folder)
        dates = side.order.dates
        tools = wheels.generator(folder / name) or "tools that it does not name"
        words = f"{side.name}: {name} built by {tools}, Python {side.order.interpreter.version}"
        self._runner.note(words + (f", as of {dates.tools:%Y-%m-%d}" if dates else ""), log)
        return name

    def _of_wheel(self, side: Side, wheel: str) -> dict[str, Any]:
        return {
            "kind": WHEEL,
            "name": WHEEL,
            "commit": side.order.commit,
            "content": digest(side.wheel_content),
            "family": _family(side),
            "preferences": [_NO_PREFERENCE],
            "parts": [wheel],
        }

    def _settle(self, side: Side) -> None:
        """The versions of what a side requires: without the project where a command installs that."""
        own = self._instructions
        wanted = requirements(side.order.recipe, own.folder, own.tools if own.own_commands else ())
        wheel = side.wheel if own.install is None else None
        prefer = _joined(side.preferred, side.lock or ())

        def work(side: Side) -> tuple[str, ...]:
            return self._installer.settle(side.order, wanted, wheel, prefer)

        def then(side: Side, lock: tuple[str, ...]) -> None:
            side.lock = lock

        self._together([side], work, then)

    def _environments(self, sides: Sequence[Side], on_step: OnStep) -> None:
        by_name = {
            self._storage.name(ENVIRONMENT, side.content, side.lock, side.fresh): side
            for side in sides
        }
        with self._storage.claimed(by_name, _tell_waiting(by_name, on_step)) as claims:
            todo: dict[Side, Claim] = {}
            for name, side in by_name.items():
                side.status = claims[name].status
                if side.status is None:
                    todo[side] = claims[name]
                else:
                    side.reused = True
                    on_step(side.name, "found")
            for side, claim in todo.items():
                self._put_files(side, claim.folder / PROJECT)
            self._fill(todo, on_step)
        for side in sides:
            assert side.status is not None
            side.lock = tuple(side.status["lock"])
            self._storage.prefer(side.status, digest(side.preferred))

    def _put_files(self, side: Side, target: Path) -> None:
        """The project's files: those its wheel was built from, or, where another environment has
        taken them, new ones."""
        if side.wheel is not None:
            with suppress(FileNotFoundError):
                (side.wheel.parent / PROJECT).rename(target)
                return
        self._check_out(side.order.commit, target)

    def _fill(self, todo: Mapping[Side, Claim], on_step: OnStep) -> None:
        own = self._instructions

        def begin(side: Side) -> None:
            folder = todo[side].folder
            self._installer.create(side.order, folder)
            wheel = None if own.own_commands else side.wheel
            self._installer.install(side.order, folder, side.lock or (), wheel)
            if own.build is not None:
                self._installer.build(side.order, folder)
            elif own.install is not None and side.wheel is not None:
                self._installer.offer(side.order, folder, side.wheel)

        def end(side: Side) -> None:
            folder = todo[side].folder
            if own.install is not None:
                self._installer.install_by_command(side.order, folder)
            elif own.build is not None and side.wheel is not None:
                self._installer.install(side.order, folder, side.lock or (), side.wheel)

        def keep(side: Side, _: None) -> None:
            folder = todo[side].folder
            side.status = self._storage.finish(todo[side], side.to_status(folder))

        for side in todo:
            on_step(side.name, "building" if own.own_commands else "installing")
        self._together(todo, begin, lambda *_: None)
        if own.own_commands:
            for side in todo:
                on_step(side.name, "installing")
                if own.install is None:
                    side.wheel = self._wheel_of_commands(side, todo[side].folder)
                    self._settle(side)
        self._together(todo, end, keep)

    def _wheel_of_commands(self, side: Side, folder: Path) -> Path:
        try:
            return self._installer.built_wheel(side.order, folder)
        except CommandFailedError as error:
            raise _failed(side, error) from error

    def _together(
        self, sides: Iterable[Side], work: Callable[[Side], T], then: Callable[[Side, T], object]
    ) -> None:
        """Do the work of every side, each in a thread, and then, in this one, what follows of it.

        Programs are started in those threads alone, so that an interrupt, which only ever comes here,
        meets none that is not known yet. When one side fails, or we do, the others are stopped.
        """
        sides = list(sides)
        if not sides:
            return
        futures: dict[Future[T], Side] = {}
        try:
            with ThreadPoolExecutor(len(sides)) as pool:
                try:
                    futures |= {pool.submit(work, side): side for side in sides}
                    done, others = wait(futures, return_when=FIRST_EXCEPTION)
                except BaseException:
                    self._runner.stop()
                    raise
                if others:
                    self._runner.stop()
        finally:
            self._runner.resume()
        for future, side in futures.items():
            if future.exception() is None:
                then(side, future.result())
        for future, side in futures.items():
            error = future.exception() if future in done else None
            if isinstance(error, CommandFailedError):
                raise _failed(side, error) from error
            if error is not None:
                raise error


def _family(side: Side) -> str:
    """The same for wheels that differ by their commit alone."""
    apart = ("commit", "tools_as_of")
    return digest({key: value for key, value in side.wheel_content.items() if key not in apart})


def _failed(side: Side, error: CommandFailedError) -> CannotMeasureError:
    if isinstance(error, OutOfTimeError):
        return CannotMeasureError(
            f"{error} before {side.name} {side.order.commit[:8]} was built",
            tip="give it more with --budget",
        )
    return BuildFailedError(side.name, side.order.commit, str(error), side.order.log)


def _tell_waiting(sides: Mapping[str, Side], on_step: OnStep) -> Callable[[str], None]:
    def tell(name: str) -> None:
        on_step(sides[name].name, "waiting")

    return tell


def _joined(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    """Two lists of versions, the first one's where both have one."""
    lines = {distribution(line): line for line in (*second, *first)}
    return tuple(lines.values())

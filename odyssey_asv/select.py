"""Which stored results a word means: a file, `latest`, `baseline[:RELEASE]`, or a commit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import near
from odyssey_asv.model import ResultSet
from odyssey_asv.store import results as result_files
from odyssey_asv.store.baselines import Baselines

if TYPE_CHECKING:
    from odyssey_asv.repository import Repository


class Selector:
    """Finds stored results. `tree` and `repository` are asked for only when a word needs them."""

    def __init__(
        self,
        config: Config,
        *,
        repository: Callable[[], Repository],
        tree: Callable[[], Path | None],
    ) -> None:
        self._config = config
        self._repository = repository
        self._tree = tree

    def one(self, word: str, environment: str | None = None) -> ResultSet:
        """The set a word means. Raises `InvalidInputError` where it means none or several."""
        found = self._candidates(word)
        if environment is not None:
            found = _in(environment, word, found)
        if len({_place(results) for results in found}) > 1:
            raise _ambiguous(word, found)
        return found[0]

    def pair(
        self, base: str, contender: str, environment: str | None
    ) -> tuple[ResultSet, ResultSet]:
        """The sets that two words mean, of the same machine and environment where there is a choice."""
        bases, contenders = self._candidates(base), self._candidates(contender)
        if environment is not None:
            bases = _in(environment, base, bases)
            contenders = _in(environment, contender, contenders)
        shared = {_place(b) for b in bases} & {_place(c) for c in contenders}
        if len(shared) > 1:
            raise _ambiguous(f"{base} and {contender}", bases)
        if shared:
            bases = [b for b in bases if _place(b) in shared]
            contenders = [c for c in contenders if _place(c) in shared]
        for word, found in ((base, bases), (contender, contenders)):
            if len({_place(results) for results in found}) > 1:
                raise _ambiguous(word, found)
        return _named(bases[0]), _named(contenders[0])

    def _candidates(self, word: str) -> list[ResultSet]:
        """What a word may mean, newest first; never empty."""
        if word == "latest":
            return [result_files.load(result_files.latest(self._config.results))]
        if word == "baseline" or word.startswith("baseline:"):
            release = word.partition(":")[2] or None
            return [Baselines(self._config.baselines).load(release)]
        path = Path(word)
        if path.is_file():
            return [result_files.load(path)]
        if word.endswith(".json") or (os.sep in word and not self._is_reference(word)):
            is_baseline = self._config.baselines in path.resolve().parents
            raise InvalidInputError(
                f"{word}: not found",
                tip="create one: odyssey baseline create, then odyssey baseline approve"
                if is_baseline
                else "odyssey run writes result files; `latest` means the newest",
            )
        return self._of_commit(word)

    def _is_reference(self, word: str) -> bool:
        try:
            self._repository().resolve(word)
        except InvalidInputError:
            return False
        return True

    def _of_commit(self, word: str) -> list[ResultSet]:
        commit = self._repository().resolve(word)
        files = result_files.of_commit(self._config.results, commit)
        found = [
            results for results in map(result_files.load, files) if results.commit.hash == commit
        ]
        if not found:
            found = self._in_tree(commit)
        if not found:
            raise InvalidInputError(
                f"no stored results for {word} ({commit[:12]})", tip=f"odyssey run {word}"
            )
        return found

    def _in_tree(self, commit: str) -> list[ResultSet]:
        from odyssey_asv.adapter.tree import read_asv_tree

        tree = self._tree()
        if tree is None or not tree.is_dir():
            return []
        return [
            results
            for results in read_asv_tree(tree, only=f"{commit[:8]}-")
            if results.commit.hash == commit
        ]


def _named(results: ResultSet) -> ResultSet:
    """The set, its source said as a person here would say it."""
    return replace(results, source=near(results.source))


def _place(results: ResultSet) -> tuple[str | None, str | None]:
    return results.environment.machine, results.environment.env_name


def _in(environment: str, word: str, found: list[ResultSet]) -> list[ResultSet]:
    chosen = [results for results in found if results.environment.env_name == environment]
    if not chosen:
        known = sorted({str(results.environment.env_name) for results in found})
        raise InvalidInputError(
            f"{word} has no results in environment {environment!r}; it has {', '.join(known)}"
        )
    return chosen


def _ambiguous(word: str, found: list[ResultSet]) -> InvalidInputError:
    places = sorted(
        {f"{results.environment.env_name} on {results.environment.machine}" for results in found}
    )
    return InvalidInputError(
        f"{word} has results in more than one place: {'; '.join(places)}",
        tip="choose an environment with -E, or name the files",
    )

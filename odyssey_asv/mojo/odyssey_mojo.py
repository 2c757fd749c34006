"""Mojo code under asv: builds a commit's Mojo programs into a wheel, and runs them as benchmarks.

A file of its own that needs nothing but Python 3.8: `odyssey mojo FOLDER` copies it, and `odyssey.mojo`
beside it, into a project. As a program it is asv's build command,

    python {conf_dir}/FOLDER/odyssey_mojo.py {build_dir} {build_cache_dir} [SOURCE ...]

run by the environment's Python, where the compiler is installed (mojo-compiler from the package index).
It compiles the sources, by default every Mojo file of the project that has a `main`, and leaves one
wheel with the programs and this module in it. As a module it is for the suite:

    from odyssey_mojo import MojoBenchmark

    class TensorAdd(MojoBenchmark):
        source, kernel = "kernels.mojo", "tensor_add"
        params = [100, 1000]

What was compiled is kept, by content, compiler and processor, in ODYSSEY_MOJO_CACHE (by default the
user's folder of caches): a commit that changes no Mojo file is built in no time.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

FORMAT = 1
"""Of the programs and of what they print; part of every benchmark's version."""

COMPILER = "mojo-compiler"
PROGRAMS = "odyssey_mojo_programs"
"""The folder in site-packages that holds the programs."""

_CLOCKS = ("wall", "processor")
_RECORD = "build.json"
_SUFFIXES = (".mojo", ".🔥", ".mojopkg")
_MAIN = re.compile(r"^(?:def|fn) main\(", re.MULTILINE)
_KEPT = 100
_LINES_SHOWN = 20
# Of a wheel: the same content gives the same file.
_MOMENT = (1980, 1, 1, 0, 0, 0)


class MojoBenchmark:
    """One kernel of a Mojo program, timed by the program's own loop.

    `source` is the program's path in the project and `kernel` its first argument; `arguments` and then
    asv's `params` follow. A sample is as many calls as fill `sample_time` seconds; samples are taken for
    `run_time` seconds in each of `rounds` processes. `clock` is "wall", or "processor" for code that keeps
    one thread busy: a busy machine shows far less there. `work`, `work_unit`, `threshold` and `tolerance`
    are as odyssey-asv has them on functions.

    A class without a `kernel` is no benchmark but a pattern for others.

    asv is handed the samples, as of a `track_` function: that is how it keeps samples that it has not
    taken itself. `type` says what they are, so that they are compared and gated as durations.
    """

    source: ClassVar[str] = ""
    kernel: ClassVar[str] = ""
    arguments: ClassVar[Sequence[object]] = ()
    sample_time: ClassVar[float] = 0.002
    run_time: ClassVar[float] = 0.1
    rounds: ClassVar[int] = 2
    clock: ClassVar[str] = "wall"

    type: ClassVar[str] = "time"
    unit: ClassVar[str] = "seconds"

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if cls.clock not in _CLOCKS:
            raise ValueError(f"{cls.__name__}.clock: {cls.clock!r} is none of {', '.join(_CLOCKS)}")
        for name in dir(cls):
            # The function of the class above, which has it already.
            if hasattr(getattr(cls, name), "pretty_source"):
                setattr(cls, name, None)
        if cls.kernel:
            setattr(cls, f"track_{_identifier(cls.kernel)}", _track(cls))

    def samples(self, *params: object) -> dict[str, Any]:
        """Seconds of one call, sample by sample, and how many calls made a sample.

        Raises RuntimeError where the program fails or prints anything else.
        """
        found = self._ask(params, {
            "ODYSSEY_MOJO_SAMPLE_S": repr(float(self.sample_time)),
            "ODYSSEY_MOJO_RUN_S": repr(float(self.run_time)),
            "ODYSSEY_MOJO_CLOCK": self.clock,
        })  # fmt: skip
        samples, number = found.get("samples"), found.get("number")
        fine = isinstance(samples, list) and samples and all(map(_is_time, samples))
        if not fine or not isinstance(number, int) or number < 1:
            raise RuntimeError(
                f"{self._named(params)}: printed no samples; does it call `measure`?"
            )
        return {"samples": samples, "number": number}

    def values(self, *params: object) -> list[float]:
        """What the kernel gives, called once. Raises RuntimeError as `samples` does."""
        values = self._ask(params, {"ODYSSEY_MOJO_ONCE": "1"}).get("values")
        if not isinstance(values, list):
            raise RuntimeError(f"{self._named(params)}: printed no values; does it call `show`?")
        return values

    def _ask(self, params: Sequence[object], settings: dict[str, str]) -> dict[str, Any]:
        """Run the program and read the line of JSON that it printed last."""
        words = [self.kernel, *map(str, self.arguments), *map(str, params)]
        env = {**os.environ, **settings, **_libraries(), **_QUIET}
        done = subprocess.run(
            [str(program(self.source)), *words], env=env, stdin=subprocess.DEVNULL,
            capture_output=True, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(
                f"{self._named(params)}: exit code {done.returncode}\n{done.stderr.strip()}"
            )
        for line in reversed(done.stdout.splitlines()):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
        return {}

    def _named(self, params: Sequence[object]) -> str:
        return " ".join([self.source, self.kernel, *map(str, self.arguments), *map(str, params)])


def _track(cls: type[MojoBenchmark]) -> Any:
    """The function that asv finds. Its version follows from what is measured and how."""

    def track(self: MojoBenchmark, *params: object) -> dict[str, Any]:
        return self.samples(*params)

    measured = (cls.source, cls.kernel, tuple(map(str, cls.arguments)))
    how = (cls.clock, cls.sample_time, cls.run_time, FORMAT)
    track.__name__ = f"track_{_identifier(cls.kernel)}"
    track.__qualname__ = f"{cls.__qualname__}.{track.__name__}"
    track.__module__ = cls.__module__
    # asv shows it, and makes the version of it.
    track.pretty_source = f"{cls.__name__}: {measured!r}, timed as {how!r}"  # type: ignore[attr-defined]
    for name in ("rounds", "work", "work_unit", "threshold", "tolerance"):
        if hasattr(cls, name):
            value = getattr(cls, name)
            # asv keeps no tuples.
            setattr(track, name, list(value) if isinstance(value, tuple) else value)
    return track


def _identifier(kernel: str) -> str:
    return re.sub(r"\W", "_", kernel)


_QUIET = {"MODULAR_CRASH_REPORTING_ENABLED": "false"}


def program(source: str) -> Path:
    """The program that was built of a source and is installed here. Raises RuntimeError."""
    for folder in _installed(PROGRAMS):
        record: dict[str, Any] = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if source not in record["programs"]:
            known = ", ".join(record["programs"])
            raise RuntimeError(f"{source}: not among the programs that were built: {known}")
        if record["processor"] != processor():
            raise RuntimeError(
                f"{source}: built for another processor ({record['processor']}, here"
                f" {processor()}); remove the kept environments and build anew"
            )
        return folder / str(record["programs"][source])
    raise RuntimeError(
        f"{source}: no Mojo programs are installed here; is odyssey_mojo.py the build command?"
    )


def _installed(name: str) -> Iterator[Path]:
    """Where a folder of this name is installed: the first is the one that would be imported."""
    return (Path(place, name) for place in sys.path if place and Path(place, name).is_dir())


def _libraries() -> dict[str, str]:
    """What lets a program find the libraries of the compiler that is installed here: those that it was
    linked with may be another environment's that is gone."""
    for folder in _installed("modular"):
        name = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
        places = [str(folder / "lib"), *filter(None, [os.environ.get(name)])]
        return {name: os.pathsep.join(places)}
    raise RuntimeError(f"{COMPILER} is not installed here: add it to `matrix` in asv.conf.json")


def processor() -> str:
    """What code is compiled for: the processor's model with a digest of what it can do."""
    known = _cpuinfo()
    # ARM's have no name here but numbers.
    parts = " ".join(known[key] for key in ("CPU implementer", "CPU part") if key in known)
    model = known.get("model name") or parts or platform.processor() or platform.machine()
    return f"{model} {hashlib.sha256(' '.join(processor_flags()).encode()).hexdigest()[:8]}"


def processor_flags() -> list[str]:
    """What the processor can do, as Linux has it; nothing elsewhere."""
    known = _cpuinfo()
    return sorted((known.get("flags") or known.get("Features") or "").split())


def _cpuinfo() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    # Up to the second processor.
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _is_time(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value) and value > 0


class BuildError(Exception):
    """It cannot be built; the text says why."""


def build(build_dir: Path, wheel_dir: Path, sources: Sequence[str] = ()) -> Path:
    """Compile a project's programs and pack them as a wheel in `wheel_dir`. Raises `BuildError`."""
    files = _mojo_files(build_dir)
    chosen = list(sources) or [name for name, path in files.items() if _has_main(path)]
    if not chosen:
        raise BuildError(f"{build_dir}: no Mojo file there has a `main`")
    for name in chosen:
        if name not in files:
            raise BuildError(f"{name}: no such Mojo file in {build_dir}")
    compiler = _Compiler.installed()
    programs = {name: compiler.program(build_dir, name, files) for name in chosen}
    return _pack(programs, compiler.version, wheel_dir)


def _mojo_files(folder: Path) -> dict[str, Path]:
    """Everything that a Mojo program of the project can be made of, by its path in there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.suffix in _SUFFIXES and path.is_file() and not hidden:
            found[inside.as_posix()] = path
    return found


def _has_main(path: Path) -> bool:
    return path.suffix != ".mojopkg" and bool(
        _MAIN.search(path.read_text(encoding="utf-8", errors="replace"))
    )


class _Compiler:
    """The compiler of one environment, and what is kept of what any has compiled."""

    def __init__(self, path: Path, version: str) -> None:
        self._path = path
        self.version = version
        self._kept = _cache_folder()

    @classmethod
    def installed(cls) -> _Compiler:
        """The one beside the running Python. Raises `BuildError`."""
        path = Path(sys.executable).parent / "mojo"
        try:
            version = importlib.metadata.version(COMPILER)
        except importlib.metadata.PackageNotFoundError:
            version = ""
        if not version or not path.exists():
            raise BuildError(
                f"{COMPILER} is not installed in {Path(sys.executable).parent.parent}: add it to"
                " `matrix` in asv.conf.json"
            )
        return cls(path, version)

    def program(self, folder: Path, source: str, files: dict[str, Path]) -> bytes:
        """The program of a source, compiled now or before. Raises `BuildError`."""
        support = Path(__file__).resolve().parent
        content = {
            "format": FORMAT,
            "compiler": self.version,
            "platform": sysconfig.get_platform(),
            "processor": processor(),
            "source": source,
            "files": {name: _digest(path) for name, path in files.items()},
            "support": _digest(support / "odyssey.mojo"),
        }
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        kept = self._kept / key
        try:
            os.utime(kept)
            return kept.read_bytes()
        except OSError:
            pass
        with tempfile.TemporaryDirectory(prefix="odyssey-mojo-") as work:
            made = Path(work, "program")
            words = ["build", "-I", str(support), "-I", str(folder), "-o", str(made)]
            print(f"compiling {source} with Mojo {self.version}", flush=True)
            # "--" would not be understood; a path that is absolute begins with no "-".
            done = subprocess.run(
                [str(self._path), *words, str(folder / source)], cwd=work,
                env={**os.environ, **_QUIET}, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            if done.returncode != 0 or not made.exists():
                raise BuildError(f"{source}: does not compile with Mojo {self.version}")
            self._keep(made, kept)
            return made.read_bytes()

    def _keep(self, made: Path, kept: Path) -> None:
        """For the next time; where there is no room, it will be compiled again."""
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            beside = kept.with_suffix(f".{os.getpid()}.tmp")
            shutil.copyfile(made, beside)
            beside.replace(kept)
            by_age = sorted(kept.parent.iterdir(), key=lambda path: path.stat().st_mtime)
            for old in by_age[:-_KEPT]:
                old.unlink()
        except OSError as error:
            print(f"not kept for the next time: {error}", file=sys.stderr)


def _cache_folder() -> Path:
    chosen = os.environ.get("ODYSSEY_MOJO_CACHE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "odyssey-mojo"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _pack(programs: dict[str, bytes], compiler: str, wheel_dir: Path) -> Path:
    """A wheel of the programs and of this module, named as asv names the project."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", os.environ.get("ASV_PROJECT", "")).strip("_") or "mojo"
    commit = re.sub(r"[^0-9a-f]", "", os.environ.get("ASV_COMMIT", ""))[:12]
    version = f"0+g{commit}" if commit else "0"
    tag = f"py3-none-{re.sub(r'[-.]', '_', sysconfig.get_platform())}"
    plain = {source: re.sub(r"[^A-Za-z0-9]", "_", Path(source).stem) for source in programs}
    paths = {source: f"{number}-{plain[source]}" for number, source in enumerate(programs)}
    record = {"processor": processor(), "compiler": compiler, "programs": paths}
    about = f"{name}-{version}.dist-info"
    contents: dict[str, bytes] = {
        "odyssey_mojo.py": Path(__file__).read_bytes(),
        f"{PROGRAMS}/{_RECORD}": json.dumps(record, indent=1).encode(),
        **{f"{PROGRAMS}/{paths[source]}": made for source, made in programs.items()},
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: odyssey_mojo\nRoot-Is-Purelib: false\nTag: {tag}\n"
        ).encode(),
    }
    lines = [f"{path},sha256={_short_digest(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,", ""]).encode()
    runnable = {f"{PROGRAMS}/{path}" for path in paths.values()}
    wheel = wheel_dir / f"{name}-{version}-{tag}.whl"
    wheel_dir.mkdir(parents=True, exist_ok=True)
    beside = wheel.with_suffix(".tmp")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            entry = zipfile.ZipInfo(path, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if path in runnable else 0o100644) << 16
            archive.writestr(entry, data)
    beside.replace(wheel)
    return wheel


def _short_digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def main(words: Sequence[str]) -> int:
    """The build command. Returns the exit code."""
    if len(words) < 2:
        print("usage: odyssey_mojo.py BUILD_DIR WHEEL_DIR [SOURCE ...]", file=sys.stderr)
        return 2
    try:
        wheel = build(Path(words[0]).resolve(), Path(words[1]).resolve(), words[2:])
    except (BuildError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(wheel)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

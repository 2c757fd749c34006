"""What a reader must know before believing a comparison: other surroundings, doubtful runs.

Words only; what follows from them is the policy's to say.
"""

from __future__ import annotations

from odyssey_asv.model import Environment, ResultSet


def environment_differences(base: Environment, contender: Environment) -> tuple[list[str], bool]:
    """What differs between two environments, in words, and whether it is another machine."""
    facts = (
        ("machine", base.machine, contender.machine),
        ("processor", base.cpu_model or base.cpu, contender.cpu_model or contender.cpu),
        ("cores", base.cores, contender.cores),
        ("operating system", base.os, contender.os),
        ("kernel", base.kernel, contender.kernel),
        ("Python", base.python_version, contender.python_version),
        ("numpy", base.numpy_version, contender.numpy_version),
        ("Mojo", base.mojo_version, contender.mojo_version),
        ("asv_runner", base.asv_runner_version, contender.asv_runner_version),
    )
    differing = [
        (name, before, after)
        for name, before, after in facts
        if before is not None and after is not None and before != after
    ]
    hardware = {"machine", "processor", "cores", "operating system"}
    moved = any(name in hardware for name, _, _ in differing)
    words = [f"another {name}: {before} → {after}" for name, before, after in differing]
    packages = _package_differences(base, contender)
    if packages:
        words.append("other packages: " + ", ".join(packages))
    return words, moved


def _package_differences(base: Environment, contender: Environment) -> list[str]:
    """Packages in other versions or on one side only, where both sides say what they have."""
    if not base.packages or not contender.packages:
        return []
    told = {
        name
        for name, before, after in (
            ("numpy", base.numpy_version, contender.numpy_version),
            ("asv_runner", base.asv_runner_version, contender.asv_runner_version),
        )
        if before is not None and after is not None
    }
    return [
        f"{name} {base.packages.get(name, 'none')} → {contender.packages.get(name, 'none')}"
        for name in sorted((base.packages.keys() | contender.packages.keys()) - told)
        if base.packages.get(name) != contender.packages.get(name)
    ]


def run_doubts(base: ResultSet, contender: ResultSet) -> list[str]:
    """What makes either run weak evidence."""
    words: list[str] = []
    for side, results in (("base", base), ("contender", contender)):
        if not results.run.complete:
            words.append(
                f"the {side} is incomplete: its run stopped before every case was measured"
            )
        if results.run.quick:
            words.append(f"the {side} is a quick run: one call a case, no evidence")
        if results.commit.dirty:
            words.append(f"the {side} was measured with uncommitted changes")
    return words

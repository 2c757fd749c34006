"""What a build or an import says when it fails for a known reason → what to do about it. Pure.

Most of these are commits of years ago that meet the tools of today.
"""

from __future__ import annotations

import re

_THEN = "build it with the tools of its time: --as-of commit"
_OLDER = f"{_THEN}, which takes an older Python where one is here, or name one: --python V"

_KNOWN: tuple[tuple[str, str], ...] = (
    (r"exclude.newer", "a later date: --as-of DATE; this one is before what the project needs"),
    (r"InvalidVersion|Invalid version: |invalid filename: Must have a version", _THEN),
    (r"use_2to3 is invalid|error in .* setup command: use_2to3", _OLDER),
    (r"No module named '?(distutils|imp|asyncore|asynchat|smtpd|cgi|pipes|telnetlib)\b", _OLDER),
    (
        r"No module named '?pkg_resources\b",
        'the project needs setuptools of its time: "matrix": {"req": {"setuptools": ["<81"]}} in'
        " asv.conf.json, or --as-of commit",
    ),
    (
        r"No module named '?setuptools\b",
        'the project needs setuptools: "matrix": {"req": {"setuptools": [""]}} in asv.conf.json',
    ),
    (r"has no attribute 'getargspec'|cannot import name 'getargspec'", _OLDER),
    (r"cannot import name '(\w+)' from 'collections'|'collections' has no attribute", _OLDER),
    (r"object has no attribute 'unescape'|has no attribute 'readfp'", _OLDER),
    (r"has no attribute 'ImpImporter'|has no attribute 'find_module'", _OLDER),
    (r"Python\.h: No such file", "install Python's headers: apt-get install python3-dev"),
    (
        r"(gcc|g\+\+|cc|clang|cl)(\.exe)?'? (failed|: command not found)|unable to execute '?\S*(gcc|cc)"
        r"|Unknown compiler\(s\)|Microsoft Visual C\+\+ .* is required",
        "install a compiler: apt-get install build-essential",
    ),
    (
        r"does not appear to be a Python project|neither .?setup\.py.? nor .?pyproject\.toml",
        "there is nothing to build at this commit: see repo_subdir in asv.conf.json",
    ),
    (
        r"no wheels with a matching Python|requires a different Python|does not satisfy Python",
        "another Python: --python V",
    ),
)
_MISSING = re.compile(r"ModuleNotFoundError: No module named ")


def remedy(said: str, *, importing: bool = False) -> str | None:
    """The remedy for what a log or a traceback says, of a build or of `importing` what was built; None
    where the reason is none that is known."""
    for pattern, text in _KNOWN:
        if re.search(pattern, said):
            return text
    if not _MISSING.search(said):
        return None
    if importing:
        return 'install what is missing: "matrix": {"req": {"PACKAGE": [""]}} in asv.conf.json'
    return (
        "the build needs a module that it does not require: a build_command in asv.conf.json, or add it to"
        " requires in [build-system]"
    )

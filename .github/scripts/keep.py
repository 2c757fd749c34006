"""Results that outlive a run: on a branch of their own, which shares no history with the code.

`restore` puts the results of the branch into the working tree; `keep` adds those in the folder KEEP_FROM to
the branch: what another job has made is never laid over the code of this one. No branch yet is no error.
The token, if any, is in KEEP_TOKEN and on no command line.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BRANCH = "odyssey-results"
FOLDERS = (".asv/results", "benchmarks/results")


def main(words: list[str]) -> int:
    match words:
        case ["restore"]:
            return restore()
        case ["keep"]:
            return keep()
        case _:
            print("keep.py knows restore and keep", file=sys.stderr)
            return 2


def restore() -> int:
    tip = fetched()
    if tip is None:
        print(f"no branch {BRANCH} yet: nothing to restore")
        return 0
    with tempfile.TemporaryDirectory() as work:
        with_index = {"GIT_INDEX_FILE": str(Path(work, "index"))}
        git("read-tree", tip, env=with_index)
        git("checkout-index", "--all", "--force", "--quiet", env=with_index)
    print(f"results restored from {tip[:12]}")
    return 0


def keep() -> int:
    tip = fetched()
    with tempfile.TemporaryDirectory() as work:
        results = Path(os.environ["KEEP_FROM"]).resolve()
        with_index = {
            "GIT_DIR": git("rev-parse", "--absolute-git-dir"),
            "GIT_WORK_TREE": str(results),
            "GIT_INDEX_FILE": str(Path(work, "index")),
        }
        if tip:
            git("read-tree", tip, env=with_index)
        there = [folder for folder in FOLDERS if (results / folder).is_dir()]
        if there:
            git("-C", str(results), "add", "--force", "--", *there, env=with_index)
        tree = git("write-tree", env=with_index)
    if tip and git("rev-parse", f"{tip}^{{tree}}") == tree:
        print("nothing new to keep")
        return 0
    parents = ["-p", tip] if tip else []
    name = {"NAME": "odyssey", "EMAIL": "odyssey@invalid"}
    signed = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in name.items()
    }
    commit = git("commit-tree", tree, *parents, "-m", "results", env=signed)
    git("push", "--quiet", "origin", f"{commit}:refs/heads/{BRANCH}", env=credentials())
    print(f"results kept as {commit[:12]}")
    return 0


def fetched() -> str | None:
    """The tip of the branch, which is then on this machine; None where there is no such branch."""
    listed = git("ls-remote", "origin", f"refs/heads/{BRANCH}", env=credentials())
    if not listed:
        return None
    tip = listed.split()[0]
    git("fetch", "--quiet", "--no-tags", "--depth=1", "origin", tip, env=credentials())
    return tip


def credentials() -> dict[str, str]:
    """The token as git takes it from the environment."""
    token = os.environ.get("KEEP_TOKEN")
    if not token:
        return {}
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{os.environ['GITHUB_SERVER_URL']}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {secret}",
    }


def git(*words: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *words],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

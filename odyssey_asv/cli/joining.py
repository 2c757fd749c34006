"""What `odyssey import` says and does where there are shards: one result or one verdict of all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from odyssey_asv.cli import next_command
from odyssey_asv.cli.check import exit_code, report_of
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.reporting import Wanted, keep_page, publish
from odyssey_asv.config import Config
from odyssey_asv.files import near
from odyssey_asv.run import failed
from odyssey_asv.sharding.gathering import gather, keep


def join_shards(config: Config, places: Sequence[Path], folder: Path, wanted: Wanted) -> Exit:
    """Join the shards in files and folders, and store what they make in `folder`."""
    gathered = gather(places)
    paths = keep(gathered, folder)
    if gathered.check is None:
        if wanted.form == "json":
            put(json.dumps({"written": [str(path) for path in paths]}, indent=2))
        else:
            for path in paths:
                put(near(path))
        failures = sum(len(failed(results)) for results in gathered.sets)
        if failures or not all(results.run.complete for results in gathered.sets):
            say(f"{failures} cases failed" if failures else "not everything was measured")
            return Exit.CANNOT
        next_command.tell("odyssey history")
        return Exit.OK
    code = exit_code(gathered.check)
    report = report_of(gathered.check, code)
    publish(report, wanted)
    keep_page(report, config.pages / "check.html")
    if wanted.table:
        say(f"results: {', '.join(near(path) for path in paths)}")
    return code

"""What results stored before a search say about where to look first. Measures nothing.

They are no evidence here: they were measured one commit at a time, perhaps on another machine. They only
make some commits more suspect before the first measurement.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.bisecting.plan import Plan
from odyssey_asv.config import Config
from odyssey_asv.culprit.suspicion import boost, weight
from odyssey_asv.errors import OdysseyError
from odyssey_asv.past.histories import Wish, look_back
from odyssey_asv.past.timeline import History


def remembered(
    plan: Plan, config: Config, asv: AsvConfig, cases: Collection[str]
) -> dict[str, float]:
    """By commit of the range, how much more suspect it is: those between the last measured before and the
    first after a change of one of these cases. Empty where nothing of use is stored."""
    if not cases:
        return {}
    wish = Wish(benches=tuple(f"^{re.escape(case)}$" for case in cases), branch=plan.question.bad)
    try:
        past = look_back(config, asv, wish)
    except OdysseyError:
        # Nothing stored, or nothing of this branch.
        return {}
    before = past.line.length - len(plan.links)
    pointed_at = {
        position - before
        for position in _changed(past, cases, worse=not plan.question.improvement)
        if position >= before
    }
    factor = boost([weight(link.files, plan.options.paths) for link in plan.links], pointed_at)
    return {plan.links[index].commit: factor for index in sorted(pointed_at) if factor > 1.0}


def _changed(past: History, cases: Collection[str], *, worse: bool) -> Iterator[int]:
    """The positions on the line of every commit that can have made a change for the worse, or better."""
    for trend, change in past.found:
        if change.worse is worse and asv_name(trend.series.case) in cases:
            yield from range(change.before + 1, change.after + 1)

"""What single findings make of a whole check."""

from __future__ import annotations

import pytest

from odyssey_asv.findings import Conclusion, Finding
from odyssey_asv.pairs.evidence import Estimate
from odyssey_asv.policy import Verdict
from tests.check_builders import check, finding

SAME = finding("same", Verdict.UNCHANGED, 0.0)
SLOW = finding("slow", Verdict.REGRESSION, 0.2)
BROKEN = finding("broken", Verdict.FAILED)
NEW = finding("new", Verdict.ADDED)


def undecided(low: float, high: float) -> Finding:
    """Time was up with this interval, as logarithms."""
    estimate = Estimate((low + high) / 2, low, high, 0.2)
    return finding("undecided", Verdict.INCONCLUSIVE, 0.1, estimate=estimate)


@pytest.mark.parametrize(
    ("findings", "settings", "expected"),
    [
        ([SAME], {}, Conclusion.OK),
        ([SAME, SLOW], {}, Conclusion.REGRESSION),
        ([SAME, BROKEN], {}, Conclusion.REGRESSION),
        ([SAME, SLOW], {"same": True}, Conclusion.OK),
        ([], {}, Conclusion.ERROR),
        ([NEW], {}, Conclusion.ERROR),
        ([SAME, undecided(-0.1, 0.2)], {}, Conclusion.OK),
        ([SAME, undecided(-0.1, 0.2)], {"strict": True}, Conclusion.INCONCLUSIVE),
        ([undecided(-0.1, 0.2)], {}, Conclusion.INCONCLUSIVE),
        # It may pass up to ln 1.05 = 0.0488: nobody may call this one fine.
        ([SAME, undecided(0.045, 0.2)], {}, Conclusion.OK),
        ([SAME, undecided(0.055, 0.2)], {}, Conclusion.INCONCLUSIVE),
    ],
)
def test_the_conclusion(
    findings: list[Finding], settings: dict[str, bool], expected: Conclusion
) -> None:
    assert check(findings, **settings).conclusion is expected

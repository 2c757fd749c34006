"""asv's solver of the Potts model, which is linear in time and written in C++."""

from __future__ import annotations

from collections.abc import Sequence

from asv.step_detect import solve_potts_approx


def solve(values: Sequence[float], penalty: float, least: int) -> list[int]:
    """Where each run of a piecewise constant fit ends, exclusive, in order.

    The fit is by absolute distances; each run after the first costs `penalty` and has at least `least`
    values. `values` must hold that many.
    """
    right, _, _ = solve_potts_approx(
        list(values), [1.0] * len(values), gamma=penalty, min_size=least
    )
    return [int(end) for end in right]

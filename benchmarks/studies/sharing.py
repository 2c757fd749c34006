"""What it does to a pair of samples when both are taken at once on one processor.

Two processes do the same work, in turn and at once, and the spread of the logarithm of the ratio of what
they used of the processor is what identical code shows. Medians of absolute values, scaled to a normal
distribution's standard deviation, stand beside it: they leave out the few that are far off. What two
processes always differ by is the median, about which both are taken; blocks with processes of their own
are for that.

`python -m benchmarks.studies.sharing [--seconds S ...] [--pairs N] [--cpu N]`
"""

from __future__ import annotations

import argparse
import math
import os
import random
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

Pair = tuple[socket.socket, socket.socket]


def work(units: int) -> None:
    for _ in range(units):
        sorted(range(2500), key=lambda i: i * 7919 % 1009)


def _serve(end: socket.socket, cpu: int) -> None:
    """Do as many units as asked for, and say what they used of the processor."""
    os.sched_setaffinity(0, {cpu})
    while asked := end.recv(16):
        began = time.process_time()
        work(int(asked))
        end.send(f"{time.process_time() - began:.9f}".encode())


@contextmanager
def _process(cpu: int) -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        try:
            _serve(theirs, cpu)
        finally:
            os._exit(0)
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        os.waitpid(pid, 0)


def in_turn(pair: Pair, units: int, rng: random.Random) -> list[float]:
    """Seconds of the processor of each, the second begun when the first is done."""
    spent = [0.0, 0.0]
    for side in rng.sample((0, 1), 2):
        pair[side].send(str(units).encode())
        spent[side] = float(pair[side].recv(64))
    return spent


def at_once(pair: Pair, units: int, rng: random.Random) -> list[float]:
    """Seconds of the processor of each, both begun together."""
    for side in rng.sample((0, 1), 2):
        pair[side].send(str(units).encode())
    return [float(end.recv(64)) for end in pair]


def study(lengths: list[float], pairs: int, cpu: int) -> Iterator[str]:
    """A line for each length of a sample, in seconds, and each way."""
    rng = random.Random(0)
    ways: dict[str, Callable[[Pair, int, random.Random], list[float]]] = {
        "in turn": in_turn,
        "at once": at_once,
    }
    with ExitStack() as stack:
        pair = (stack.enter_context(_process(cpu)), stack.enter_context(_process(cpu)))
        for length in lengths:
            unit_s = min(min(in_turn(pair, 20, rng)) for _ in range(20)) / 20
            units = max(1, round(length / unit_s))
            ratios: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(pairs):
                for name, take in ways.items():
                    first, second = take(pair, units, rng)
                    ratios[name].append(math.log(second / first))
            for name, found in ratios.items():
                middle = statistics.median(found)
                near = 1.4826 * statistics.median(abs(one - middle) for one in found)
                yield (
                    f"samples of {length:g} s {name}: spread {100 * statistics.stdev(found):.1f} %,"
                    f" without those far off {100 * near:.1f} %, about {100 * middle:+.1f} %"
                    f" ({pairs} pairs)"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.002, 0.05, 0.3, 1.0])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--cpu", type=int, default=min(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    for line in study(asked.seconds, asked.pairs, asked.cpu):
        print(line, flush=True)


if __name__ == "__main__":
    main()

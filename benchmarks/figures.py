"""Prints every figure that the README quotes: `python -m benchmarks.figures`, about ten minutes.

Leave the machine alone meanwhile: it measures.
"""

from __future__ import annotations

from benchmarks.studies import comparing, overhead, reading


def main() -> None:
    """Run the studies one after another."""
    for study in (reading.study, comparing.study, overhead.study):
        for line in study():
            print(line, flush=True)


if __name__ == "__main__":
    main()

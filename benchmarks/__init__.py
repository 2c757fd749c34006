"""The asv benchmark suite; README.md lists every benchmark in it."""

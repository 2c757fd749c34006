"""A run, a check or a search over a fleet: jobs of what is asked, each answer stored at once, what came
of it all.

Prints nothing. Each job is the same command with `--shard`, `--steps` or one commit, on a host, so
measuring is exactly what a single machine does. A session is remembered until it is done: asked again
after a kill, what was answered is not measured again, and hosts still know what they measured for it.

wish      which scheduler, which hosts
parcel    the project, and the words of a job
session   the jobs of one question on their way
runs, checks, searches   what each verb hands out, and what it makes of the answers
"""

from odyssey_asv.distributing.checks import check_over
from odyssey_asv.distributing.runs import run_over
from odyssey_asv.distributing.searches import search_over
from odyssey_asv.distributing.wish import Wish, check_wish

__all__ = ["Wish", "check_over", "check_wish", "run_over", "search_over"]

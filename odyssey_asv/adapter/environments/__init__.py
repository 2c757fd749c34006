"""Environments of a project at two commits, side by side: built once, found again by content.

`recipes` says what asv's configuration asks for, `workshop` builds it and keeps it. Everything that
runs a program on the way goes through `commands`. `dates` has what it takes to build as of a date.
"""

from odyssey_asv.adapter.environments.built import Built
from odyssey_asv.adapter.environments.commands import BuildFailedError
from odyssey_asv.adapter.environments.dates import AsOf
from odyssey_asv.adapter.environments.recipes import Recipe, recipes
from odyssey_asv.adapter.environments.storage import Kept
from odyssey_asv.adapter.environments.workshop import Workshop

__all__ = ["AsOf", "BuildFailedError", "Built", "Kept", "Recipe", "Workshop", "recipes"]

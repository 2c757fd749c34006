"""`odyssey init`: a Python repository becomes one whose changes are measured. Prints nothing.

`survey` reads what the project is, `origin` where this program comes from, `drafts` makes files of it.
Nothing that a person wrote is changed, but for lines added at the end of two files; what was made once
is not made again.
"""

from odyssey_asv.adopting.drafts import Draft, State
from odyssey_asv.adopting.origin import Source, source
from odyssey_asv.adopting.story import Adoption, Wish, adopt, changed, write
from odyssey_asv.adopting.survey import Package

__all__ = [
    "Adoption",
    "Draft",
    "Package",
    "Source",
    "State",
    "Wish",
    "adopt",
    "changed",
    "source",
    "write",
]

"""The git repository under test: everything git is asked, and the only place where it is."""

from odyssey_asv.repository.core import Repository, clone_mirror, evenly
from odyssey_asv.repository.lines import Link

__all__ = ["Link", "Repository", "clone_mirror", "evenly"]

"""Pages of a project's past: an overview, a page for each benchmark, baselines, reports, a feed.

Pure: `pages` makes the content of every file, one after another, the same for the same input. Nothing in
them is loaded from elsewhere.
"""

from odyssey_asv.report.site.pages import Site, pages

__all__ = ["Site", "pages"]

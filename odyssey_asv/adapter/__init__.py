"""Everything that knows asv: its result files, its configuration, its process. Nothing else does."""

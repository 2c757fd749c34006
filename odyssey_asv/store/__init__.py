"""Our JSON on disk: result files and baselines. Nothing else knows their format."""

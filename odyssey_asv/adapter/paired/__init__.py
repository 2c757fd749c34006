"""Both sides of a comparison at once: `worker` runs in the environment under test, `workers` drives it."""

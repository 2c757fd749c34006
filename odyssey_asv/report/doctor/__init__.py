"""An examination in each of its forms."""

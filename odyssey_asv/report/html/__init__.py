"""Reports as single HTML files: nothing is loaded from anywhere, and every name is data."""

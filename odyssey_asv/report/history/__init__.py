"""A history in its forms: terminal, JSON, Markdown, GitHub annotations."""

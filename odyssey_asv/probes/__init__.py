"""Gather the facts that `diagnoses` judges. Each probe looks at one thing and changes nothing.

A probe raises only `OdysseyError` and `OSError`; what a system does not tell is None.
"""

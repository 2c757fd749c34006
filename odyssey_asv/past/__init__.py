"""Stored results of many commits: series along a line, and where their level changed.

timeline      the nouns: pure
sheets        what one file says, as columns: pure
assembly      sheets as series: pure
changepoints  where a series of numbers changes: pure
trends        what that is for a series: pure
histories     results that are read, in the order of a branch
"""

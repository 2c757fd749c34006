"""Studies: programs that measure this program, each printing the figures that the README quotes.

None holds an asv benchmark; asv imports them while it looks for some.
"""

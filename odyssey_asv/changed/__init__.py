"""`--changed`: which modules of a suite reach a file that differs between two commits.

imports  what a module imports: pure
builds   what build files say of a project's modules: pure
reach    which modules reach a change: pure
changes  two commits and a suite, read
"""

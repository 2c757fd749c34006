"""Work for many hosts: what a job is, who gets the next one, how a host does it. Knows no reports.

jobs      a job and what came of it, as plain data
line      who gets the next job, what is done again and what is given up: pure
drive     hands out jobs over an engine and hands on each answer at once
engine    the engine on Dask distributed, the only module that imports it
host      what runs on a host: one job at a time, in a process of its own
bench     that process
"""

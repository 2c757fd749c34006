"""Two builds of a project, measured in pairs.

evidence  what the blocks of a case amount to: pure
trials    a case on its way from blocks to a finding
pairing   the engine: rounds of blocks until every case is decided
arena     the processes of both sides, and what their result files say
probing   any two commits for a search
noise     what code against itself showed here, kept
"""

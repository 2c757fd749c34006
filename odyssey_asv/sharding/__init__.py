"""Parts of a whole, measured by calls that know nothing of each other, and the whole again.

shards     which unit falls to which shard: pure
portions   the units of this call, by what stored durations make of them
slicing    what `--shard` is to a check and to a run
joining    result sets of several calls as fewer, or their conflicts: pure
gathering  folders of shards as one check or run
"""

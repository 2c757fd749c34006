"""What a Mojo program needs to be measured by `odyssey_mojo.py`, which calls it

    program KERNEL [ARGUMENT ...]

and reads one line of JSON that `measure` prints: seconds of one call, sample by sample. Where
ODYSSEY_MOJO_ONCE is set the kernel is called once and `show` prints what it gave.

Needs Mojo 1.0 or newer.
"""

from std.ffi import external_call
from std.os import getenv
from std.sys import argv
from std.time import perf_counter_ns

comptime LEAST_SAMPLES = 3
comptime MOST_SAMPLES = 1000


def kernel() raises -> String:
    """The name of the kernel to be run."""
    return argument(0)


def argument(position: Int) raises -> String:
    """What stands after the program's name: 0 is the kernel, 1 the first parameter."""
    var words = argv()
    if position + 1 >= len(words):
        raise Error("missing argument ", position, ": program KERNEL [ARGUMENT ...]")
    return String(words[position + 1])


def once() -> Bool:
    """Whether the kernel is to be called once, for what it gives and not for how long it takes."""
    return getenv("ODYSSEY_MOJO_ONCE") != ""


def measure[Work: def() raises -> None](work: Work) raises:
    """Call `work` for as long as was asked and print how long a call took, sample by sample.

    A sample is as many calls as fill ODYSSEY_MOJO_SAMPLE_S; finding out how many is the warm-up. Samples
    are taken until ODYSSEY_MOJO_RUN_S have passed, three at least. `work` must `keep` what it gives.
    Where ODYSSEY_MOJO_CLOCK is "processor", the time is that of the processor, of all threads together.
    """
    if once():
        work()
        return
    var sample_s = Float64(getenv("ODYSSEY_MOJO_SAMPLE_S", "0.002"))
    var run_s = Float64(getenv("ODYSSEY_MOJO_RUN_S", "0.1"))
    var processor = getenv("ODYSSEY_MOJO_CLOCK") == "processor"
    var number = _fitting(work, sample_s, processor)
    var line = String('{"number": ', number, ', "samples": [')
    var began = _now(False)
    var taken = 0
    while taken < LEAST_SAMPLES or (taken < MOST_SAMPLES and _now(False) - began < run_s):
        if taken > 0:
            line += ", "
        line += String(_seconds(work, number, processor) / Float64(number))
        taken += 1
    print(line + "]}")


def show[dtype: DType, origin: Origin](values: Pointer[Scalar[dtype], origin], count: Int) raises:
    """Print `count` values as JSON where they were asked for."""
    if not once():
        return
    var line = String('{"values": [')
    for i in range(count):
        if i > 0:
            line += ", "
        line += String(values.unsafe_load(i).cast[DType.float64]())
    print(line + "]}")


def _fitting[
    Work: def() raises -> None
](work: Work, sample_s: Float64, processor: Bool) raises -> Int:
    """How many calls fill a sample."""
    var number = 1
    while True:
        var taken = _seconds(work, number, processor)
        if taken >= sample_s:
            return number
        var factor = min(10.0, max(1.1, sample_s / max(taken, 1e-9)))
        number = max(number + 1, Int(Float64(number) * factor))


def _seconds[
    Work: def() raises -> None
](work: Work, number: Int, processor: Bool) raises -> Float64:
    var began = _now(processor)
    for _ in range(number):
        work()
    return _now(processor) - began


def _now(processor: Bool) -> Float64:
    """Seconds since some moment."""
    if processor:
        # C's, whose unit POSIX fixes at a microsecond.
        return Float64(external_call["clock", Int]()) * 1e-6
    return Float64(Int(perf_counter_ns())) * 1e-9

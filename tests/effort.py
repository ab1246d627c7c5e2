"""How much of a test that repeats itself is run: a part of it by `make test`, all of it by `make test-all`.

`@pytest.mark.thorough` leaves a whole test to `make test-all`. It is for one that takes seconds and repeats, with more
sizes, kills or processes, what a quicker test holds.
"""

import zlib

thorough = False  # set by conftest.py from --thorough


def seeds(all_of_them, share=0.2):
    """How many seeds a test over many of them runs."""
    return all_of_them if thorough else round(share * all_of_them)


def widened(distance, all_of_them, run):
    """How far from its expectation a share over `run` seeds may lie, where over all of them it may lie `distance`."""
    return distance * (all_of_them / run) ** 0.5


def drawn(name, parts):
    """Whether this one of many like it is run: always, or one in `parts` by its name, the same in every run."""
    return thorough or zlib.crc32(name.encode()) % parts == 0

"""How much of a test that repeats itself is run: a part of it by `make test`, all of it by `make test-all`.

`@pytest.mark.thorough` leaves a whole test to `make test-all`. It is for one that takes seconds and repeats, with more
sizes, kills or processes, what a quicker test holds.
"""

import zlib

thorough = False  # set by conftest.py from --thorough
SHARE = 0.2


def seeds(all_of_them):
    """How many seeds a test over many of them runs."""
    return all_of_them if thorough else round(SHARE * all_of_them)


def drawn(name, parts):
    """Whether this one of many like it is run: always, or one in `parts` by its name, the same in every run."""
    return thorough or zlib.crc32(name.encode()) % parts == 0

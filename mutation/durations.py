"""A pytest plugin, `-p mutation.durations`: writes how long each test took beside the coverage data.

Fixtures of a module or session count for the test that made them.
"""

import json
from collections import defaultdict
from pathlib import Path

FILE = Path(".durations.json")

_SECONDS = defaultdict(float)


def pytest_runtest_logreport(report):
    _SECONDS[report.nodeid] += report.duration


def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):  # with pytest-xdist the controller hears of all tests
        known = json.loads(FILE.read_text()) if FILE.exists() else {}
        FILE.write_text(json.dumps(known | _SECONDS))

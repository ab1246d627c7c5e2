"""Tests on trial run in the copy as they run in the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRIED = """
from pathlib import Path
import pytest
NAMES = (Path(__file__).resolve().parents[2] / "shared" / "names.txt").read_text().splitlines()

@pytest.mark.parametrize("name", NAMES)
def test_it(name):
    assert name != "wrong"
"""
VERDICTS = """
import sys
from pathlib import Path
from mutation import trial
trial.HEAVY = ("pytest",)
workshop = trial.Workshop(Path(sys.argv[1]), Path(sys.argv[2]))
print(*(workshop.verdict([f"tests/test_it.py::test_it[{name}]"], 100.0) for name in ("a b", "a [b]", "wrong")))
"""


@pytest.mark.thorough  # of `make mutation`, which runs `make test-all` first
def test_tests_that_read_what_lies_beside_the_checkout_are_found_in_its_copy(tmp_path):
    root = tmp_path / "checkout"
    (root / "tests").mkdir(parents=True)
    (root / "tests" / "test_it.py").write_text(TRIED)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "names.txt").write_text("a b\na [b]\nwrong\n")
    subprocess.run(["git", "init", "-q", root], check=True)
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", VERDICTS, root, tmp_path / "elsewhere" / "tree"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("passed passed failed\n", "")

"""One mutant on trial: tests in a forked child, in a copy of the tree that holds the fault."""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

HEAVY = (
    "numpy",
    "scipy.sparse.linalg",
    "scipy.stats",
    "sklearn.cluster",
    "sklearn.neighbors",
    "pandas",
    "torch",
    "pytest",
)
HEAVY += ("hypothesis", "array_api_strict", "array_api_compat.numpy", "array_api_compat.torch", "click", "psutil")
# A fault in a size may ask for more than there is.
BYTES = 16 * 2**30
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Workshop:
    """A copy of the tree in which source files are damaged and put right again.

    Parameters
    ----------
    root : Path
        The checkout; its files known to git are copied.
    folder : Path
        Where the copy is made.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder, self.output = folder, folder.with_suffix(".txt")
        listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root, capture_output=True)
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)
        if (beside := root.parent / "shared").exists():  # tests that read data there have no names without it
            (folder.parent / "shared").symlink_to(beside)
        for name in THREADS:
            os.environ[name] = "1"
        os.environ["PYTHONPATH"] = os.pathsep.join([str(folder / "src"), str(folder)])
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        for name in HEAVY:
            importlib.import_module(name)

    def source(self, module: str) -> Path:
        """The file of a module such as `training/network/hooks`."""
        return self.folder / "src" / "diffspec" / f"{module}.py"

    def verdict(self, tests: Sequence[str], seconds: float) -> str:
        """What `tests` say to the tree as it stands: passed, failed or timeout."""
        child = os.fork()
        if not child:
            self._run(tests)
        return _outcome(child, seconds)

    def said(self) -> str:
        """The end of what the last tests wrote."""
        return self.output.read_text(errors="replace")[-3000:]

    def _run(self, tests: Sequence[str]) -> None:
        """In the child: never returns."""
        code = 2
        try:
            os.setsid()
            os.chdir(self.folder)
            said = os.open(self.output, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            for stream in (0, 1, 2):
                os.dup2(said, stream)
            resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
            sys.dont_write_bytecode = True
            sys.path[:0] = [str(self.folder / "src"), str(self.folder)]
            # First, for where a doctest comes first pytest makes packages of its own and imports the rest twice.
            importlib.import_module("diffspec")
            code = int(importlib.import_module("pytest").main(["-x", "-q", *OPTIONS, *tests]))
        except BaseException:
            self.output.write_text(traceback.format_exc())
        finally:
            sys.stdout.flush()
            os._exit(code)


# A seed, so that a mutant meets the same examples every time.
OPTIONS = (
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:pytest_cov",
    "--hypothesis-seed=0",
    "--assert=plain",
    "--no-header",
)


def _outcome(child: int, seconds: float) -> str:
    begun = time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "passed" if status == 0 else "failed"
        if time.monotonic() - begun - _queued(child) > seconds:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "timeout"
        time.sleep(0.02)


def _queued(process: int) -> float:
    """Seconds for which a busy machine kept `process` waiting: no fault of its own (Linux; elsewhere 0)."""
    known = Path(f"/proc/{process}/schedstat")
    return int(known.read_text().split()[1]) / 1e9 if known.exists() else 0.0


def write(path: Path, **record: object) -> None:
    """Append one record to the JSON lines at `path`."""
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")

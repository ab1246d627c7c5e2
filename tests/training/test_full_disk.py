"""A disk that is really full while a network trains: the training goes on, and nothing is lost or torn."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from diffspec.runs.log import read

TRAINS = """
import json, os, resource, sys, warnings
from pathlib import Path
import torch
from diffspec import Gaussian
from diffspec.training import DSE, Monitor, Probe

how, strict, folder = sys.argv[1], sys.argv[2] == "strict", Path(sys.argv[3])
torch.manual_seed(0)
network = torch.nn.Linear(6, 4)
log = folder / "run.jsonl"
monitor = Monitor(
    network, layers="", probe=Probe(torch.randn(24, 6)), log=log, measures=[DSE()], rules={"wide": Gaussian(2.0)},
    pictures=(), strict=strict,
)
told = []


def fill():
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 100, resource.RLIM_INFINITY))
        return
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1000))
        except OSError as error:
            assert error.errno == 28, error


def free():
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    else:
        (folder / "filler").unlink()


for step in range(9):
    if step == 3:
        fill()
    if step == 7:
        free()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        monitor.observe(step, loss=float(step))
    told += [[step, type(one.message).__name__, str(one.message)] for one in said]
    loss = network(torch.randn(8, 6)).square().mean()
    for weights, slope in zip(network.parameters(), torch.autograd.grad(loss, list(network.parameters()))):
        weights.data -= 0.1 * slope  # the first optimizer of torch takes seconds to load
monitor.close()
print(json.dumps(told))
"""


def inside_a_small_disk(folder: Path) -> list[str]:
    """What begins a command that finds 64 KiB at `folder`, in a name space of its own."""
    mount = f'mount -t tmpfs -o size=64k none "{folder}" && exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]


def trained(how: str, strict: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A training whose disk is full from step 3 to step 6; what it wrote is copied out at its end."""
    script = folder / "trains.py"
    script.write_text(TRAINS)
    place = folder / "disk"
    place.mkdir()
    command = [sys.executable, str(script), how, strict, str(place)]
    if how == "disk":
        copied = f'"$@"; code=$?; cp "{place}/run.jsonl" "{folder}/run.jsonl"; exit $code'
        command = [*inside_a_small_disk(place), "sh", "-c", copied, "sh", *command]
    # Without the measuring of coverage, whose file would be the one that finds no space.
    own = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=own)
    if how == "limit":
        shutil.copy(place / "run.jsonl", folder / "run.jsonl")
    return done


def has(how: str, folder: Path) -> bool:
    if how == "limit":
        return sys.platform != "win32"
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*inside_a_small_disk(folder), "true"], capture_output=True).returncode == 0


LONGER = pytest.mark.thorough  # each is a training in a process, and each end of a disk is met once without them
FULL = "no space left for a whole record"


@pytest.mark.parametrize("how", ["disk", pytest.param("limit", marks=LONGER)])
def test_the_training_goes_on_and_all_records_are_there_in_the_end(tmp_path: Path, how: str) -> None:
    if not has(how, tmp_path):
        pytest.skip(f"no {how} to fill here")
    done = trained(how, "not strict", tmp_path)
    assert done.returncode == 0, done.stderr
    told: list[list[Any]] = json.loads(done.stdout)
    ((step, kind, text),) = told  # one warning for the whole outage
    assert step in (3, 4)  # the last page of a file has room for some records more
    assert kind == "RunLogWarning"
    assert FULL in text
    assert "the training goes on" in text
    records = read(tmp_path / "run.jsonl")  # a torn line would be a warning, which is an error here
    assert [r["value"] for r in records if r["kind"] == "scalar"] == [float(step) for step in range(9)]
    assert [r["step"] for r in records if r.get("name") == "DSE(Z)"] == list(range(9))
    assert not [r for r in records if r["kind"] == "failure"]


@pytest.mark.parametrize("how", [pytest.param("disk", marks=LONGER), "limit"])
def test_strict_ends_it(tmp_path: Path, how: str) -> None:
    if not has(how, tmp_path):
        pytest.skip(f"no {how} to fill here")
    done = trained(how, "strict", tmp_path)
    assert done.returncode == 1
    assert FULL in done.stderr.splitlines()[-1]
    steps = [r["step"] for r in read(tmp_path / "run.jsonl") if r.get("name") == "DSE(Z)"]
    assert steps in ([0, 1, 2], [0, 1, 2, 3])  # whole records all

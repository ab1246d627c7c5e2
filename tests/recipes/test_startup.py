"""torchvision is imported by timm, also in processes that tests start, where its compiled operators do not load."""

import os
import subprocess
import sys

import pytest

PROBE = "import sys; before = 'torch' in sys.modules; import torchvision; print(before, torchvision.__name__)"


def run(**environment):
    given = [sys.executable, "-c", PROBE]
    return subprocess.run(given, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_a_started_process_imports_torchvision_and_loads_torch_for_nothing_else():
    found = run()
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["False", "torchvision"]


@pytest.mark.thorough
def test_without_the_declaration_it_cannot_where_its_operators_do_not_load():
    found = run(PYTHONPATH="")
    if found.returncode == 0:
        pytest.skip("torchvision's operators load here")
    assert "operator torchvision::nms does not exist" in found.stderr

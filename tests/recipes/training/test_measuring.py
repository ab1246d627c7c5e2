"""What the monitors of the laboratory measure, against the package's own functions, and how it is collected."""

import numpy as np
import pytest
import torch
from torch import nn

from diffspec import Gaussian, adjusted_dsmi, dse, dsmi, paper
from diffspec.baselines import binned_entropy
from diffspec.conventions import default, released
from diffspec.errors import LayersWarning
from diffspec.training import Probe
from recipes.training import measuring


@pytest.fixture
def probe(rng):
    labels = np.arange(120) % 4
    points = 2.0 * rng.normal(size=(4, 6))[labels] + rng.normal(size=(120, 6))
    return Probe(torch.as_tensor(points, dtype=torch.float32), labels)


@pytest.fixture
def network():
    class Identity(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.linear = nn.Identity(), nn.Linear(6, 4)

        def forward(self, inputs):
            return self.linear(self.encoder(inputs))

    return Identity()


@pytest.fixture
def values(network, probe, tmp_path):
    monitors = measuring.Monitors(network, probe, tmp_path / "run.jsonl", run="cell", settings={})
    monitors.look(0, whole=True, accuracy=0.25)
    monitors.look(3, whole=False, accuracy=0.5)
    return measuring.collected(tmp_path / "run.jsonl", "cell")


def _points(probe):
    return probe.inputs.numpy()


def test_every_curve_is_what_the_package_gives(values, probe):
    points, labels, inputs = _points(probe), probe.labels, probe.input_groups
    median = {"kernel": Gaussian(), "alpha": 0.5, "t": 1.0}
    for rule, walk in {"sigma = 10": paper, "neighbors": default, "median": median, "released": released}.items():
        assert values[f"DSE(Z), {rule}"][0] == pytest.approx(float(dse(points, **walk)), rel=1e-4)
        assert values[f"DSMI(Z;Y), {rule}"][0] == pytest.approx(float(dsmi(points, labels, **walk)), rel=1e-4)
        assert values[f"DSMI(Z;X), {rule}"][0] == pytest.approx(float(dsmi(points, inputs, **walk)), rel=1e-4)
    assert values["CSE(Z)"][0] == pytest.approx(float(binned_entropy(points)), rel=1e-4)
    assert values["looks"] == [0, 3]
    assert values["accuracy"] == [0.25, 0.5]
    assert values["DSE(Z), released"][1] is None
    assert "failures" not in values


@pytest.mark.parametrize("t", [1.0, 3.0, 10.0, 30.0, 100.0])
def test_all_times_come_from_one_spectrum(values, probe, t):
    found = values[f"DSE(Z) t={t:g}, neighbors"][1]
    assert found == pytest.approx(float(dse(_points(probe), **{**default, "t": t})), rel=1e-4)


@pytest.mark.parametrize("rule", ["sigma = 10", "neighbors", "median"])
def test_the_adjusted_information_is_the_packages(values, probe, rule):
    walk = measuring.RULES[rule]
    for of, groups in (("Y", probe.labels), ("X", probe.input_groups)):
        theirs = adjusted_dsmi(_points(probe).astype(float), groups, **walk)
        assert values[f"adjusted DSMI(Z;{of}), {rule}"][0] == pytest.approx(theirs.value, rel=1e-3)
        assert values[f"adjusted DSMI(Z;{of}), {rule}, stderr"][0] == pytest.approx(theirs.stderr, rel=1e-2)


def test_the_entropy_given_labels_is_the_mean_of_the_groups(values, probe):
    found = [float(dse(_points(probe)[probe.labels == label], **paper)) for label in range(4)]
    assert values["H(Z given Y), sigma = 10"][0] == pytest.approx(np.mean(found), rel=1e-4)


def test_points_that_the_kernel_joins_wholly_have_no_adjusted_information(network, probe, tmp_path):
    near = Probe(1e-9 * probe.inputs, probe.labels)
    measuring.Monitors(network, near, tmp_path / "run.jsonl", run="cell", settings={}).look(0, whole=False)
    values = measuring.collected(tmp_path / "run.jsonl", "cell")
    assert values["adjusted DSMI(Z;Y), sigma = 10"] == [pytest.approx(0.0, abs=1e-6)]


def test_blocks_are_measured_under_their_names(network, probe, tmp_path):
    watched = {"encoder": "none", "linear": "flatten"}
    monitors = measuring.Monitors(network, probe, tmp_path / "run.jsonl", run="cell", settings={}, blocks=watched)
    monitors.look(0, whole=True)
    values = measuring.collected(tmp_path / "run.jsonl", "cell")
    assert values["encoder: DSE(Z), neighbors"] == values["DSE(Z), neighbors"]
    assert values["linear: DSMI(Z;X), sigma = 10"] != values["DSMI(Z;X), sigma = 10"]


def test_a_measure_that_fails_leaves_a_gap_and_a_word(network, probe, tmp_path, monkeypatch):
    def broken(self, several, probe):
        raise ValueError("no such number")

    monkeypatch.setattr(measuring.Conditional, "taken", broken)
    monitors = measuring.Monitors(network, probe, tmp_path / "run.jsonl", run="cell", settings={})
    with pytest.warns(LayersWarning, match="no such number"):
        monitors.look(0, whole=False)
    values = measuring.collected(tmp_path / "run.jsonl", "cell")
    assert "H(Z given Y), neighbors" not in values
    assert "H(Z given Y) at 0: ValueError: no such number" in values["failures"]


def test_a_run_that_never_looked_has_no_curves(network, probe, tmp_path):
    measuring.Monitors(network, probe, tmp_path / "run.jsonl", run="cell", settings={})
    assert measuring.collected(tmp_path / "run.jsonl", "cell") == {}

"""Public checkpoints by path: every family's form of file, and what is refused; encoders saved and tuned here."""

import pytest
import torch
from torch import nn

import recipes
from diffspec import InputError
from effort import only
from recipes.models import loading, tuning
from recipes.training.inputs.data import load as images_of
from recipes.training.networks.families import build

CHECKPOINTS = recipes.load("checkpoints")


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(7)
    network = loading.encoder().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
    return network


FORMS = ["supervised", "Barlow Twins", "MoCo", "SimSiam", "SwAV", "VICReg", "VICRegL", "a whole training"]
ALIKE = ("VICReg", "VICRegL")
"""Whose files look like those of Barlow Twins."""
TRIED = only(FORMS, *(form for form in FORMS if form not in ALIKE))


def test_all_seven_families_and_seventeen_versions_have_a_form(trained):
    assert set(loading.forms(trained)) == set(FORMS)
    assert {version.family for version in loading.VERSIONS.values()} <= set(FORMS)
    assert len(loading.VERSIONS) == 17


@pytest.mark.parametrize("form", TRIED)
def test_every_form_of_file_gives_the_encoder_that_was_saved(form, trained, tmp_path):
    path = tmp_path / "file.pth"
    torch.save(loading.forms(trained)[form], path)
    found = loading.load(path)
    noise = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(found(noise), trained(noise))
    assert found(noise).shape == (1, 2048)
    assert not found.training


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 3}, "holds no weights by name, at its top or under state_dict, model"),
        ([torch.zeros(2)], "holds no weights by name"),
        ({"conv1.weight": torch.zeros(64, 3, 7, 7)}, r"does not fit: it lacks bn1.weight \(317 of 318 in all\)"),
        ({"model": "text"}, "holds no weights by name"),
    ],
)
def test_what_is_no_checkpoint_is_refused_in_one_line(content, words, tmp_path):
    path = tmp_path / "file.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=words):
        loading.load(path)


def test_weights_of_another_shape_are_refused(trained, tmp_path):
    path = tmp_path / "file.pth"
    torch.save({**trained.state_dict(), "conv1.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(InputError, match=r"it has conv1.weight of shape \(64, 3, 3, 3\) \(1 of 318 in all\)"):
        loading.load(path)


class Bomb:
    def __reduce__(self):
        return (print, ("ran",))


def test_nothing_in_a_file_is_run(tmp_path, capsys):
    path = tmp_path / "file.pth"
    torch.save({"state_dict": Bomb()}, path)
    with pytest.raises(InputError, match="cannot be read as tensors"):
        loading.load(path)
    path.write_bytes(b"text")
    with pytest.raises(InputError, match="cannot be read as tensors"):
        loading.load(path)
    assert capsys.readouterr().out == ""
    with pytest.raises(InputError, match="there is no file"):
        loading.load(tmp_path / "nothing.pth")


def test_our_encoders_are_saved_on_the_way_and_loaded_as_public_ones_are(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "KEPT", tmp_path)
    data = images_of("digits", 64, 20)
    key = {"pixels": 16, "train": 64}
    files = tuning.trained("digits", 1, 0, data, key)
    network = build("resnet", 10, 16, small=True)
    weights = []
    for epoch in (0, 1):
        loading.load(files[epoch], network.encoder)
        weights.append(network.encoder.conv1.weight.clone())
    assert not torch.equal(*weights)
    monkeypatch.setattr(tuning, "Trainer", None)  # a second training would fail
    assert tuning.trained("digits", 1, 0, data, key) == files


def test_tuning_changes_weights_and_a_probe_does_not():
    data = images_of("digits", 200, 200)
    key = {"pixels": 32, "train": 200, "epochs": 2, "batch": 50, "rate": 1e-3}
    torch.manual_seed(0)
    network = build("resnet", 10, 32, small=True)
    before = network.encoder.conv1.weight.clone()
    assert tuning.probed(network, data, key) > 0.3  # of random features
    assert torch.equal(network.encoder.conv1.weight, before)
    assert tuning.fine_tuned(network, data, {**key, "epochs": 5, "batch": 20}) > 0.2
    assert not torch.equal(network.encoder.conv1.weight, before)


def test_research_numbers_add_up(rng):
    labels = rng.integers(3, size=90)
    found = CHECKPOINTS.of_research(30.0 * rng.normal(size=(90, 4)), labels)
    assert 0 < found["H(Z given Y), sigma = 20"] < found["DSE(Z), sigma = 20"]

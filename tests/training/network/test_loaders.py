"""Inputs from a loader: the first, or of each class its share."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from diffspec import Bins, InputError
from diffspec.training import Probe


def loader(labels, batch=8, **options):
    """Inputs whose first feature is their place and whose second is their label."""
    labels = torch.as_tensor(labels)
    inputs = torch.stack([torch.arange(len(labels)), labels], 1).float()
    return DataLoader(TensorDataset(inputs, labels), batch_size=batch, **options)


def test_a_loader_that_gives_class_after_class_gives_all_of_them():
    probe = Probe.from_loader(loader([0] * 60 + [1] * 30 + [2] * 10), n=20, stratified=True)
    assert Counter(probe.labels.tolist()) == {0: 12, 1: 6, 2: 2}
    assert np.array_equal(probe.inputs[:, 1].numpy(), probe.labels)
    places = probe.inputs[:, 0].tolist()
    assert places == sorted(set(places))  # in the order of the loader
    assert set(Probe.from_loader(loader([0] * 60 + [1] * 40), n=20).labels.tolist()) == {0}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=80), st.integers(2, 90), st.integers(1, 9))
def test_shares_are_those_of_the_loader_to_one_input(labels, n, batch):
    probe = Probe.from_loader(loader(labels, batch), n=n, stratified=True)
    assert len(probe) == min(n, len(labels))
    for label, count in Counter(labels).items():
        share = count * min(1.0, n / len(labels))
        assert abs(int(np.sum(probe.labels == label)) - share) < 1.0
    assert [labels[int(place)] for place in probe.inputs[:, 0]] == probe.labels.tolist()


@pytest.mark.parametrize("key", ["labels", "label", "label_ids"])
@pytest.mark.parametrize("stratified", [False, True])
def test_labels_in_a_mapping_go_by_the_names_that_transformers_collates(key, stratified):
    batches = [{"x": torch.rand(4, 3), key: torch.tensor([0, 1, 1, 1])} for _ in range(3)]
    probe = Probe.from_loader(batches, n=8, stratified=stratified)
    assert Counter(probe.labels.tolist()) == {0: 2, 1: 6}
    assert list(probe.inputs) == ["x"]


def test_labels_of_words_and_mappings_of_inputs():
    batches = [{"words": torch.full((4, 3), place), "labels": ["a", "b", "b", "b"]} for place in range(5)]
    probe = Probe.from_loader(batches, n=8, stratified=True)
    assert Counter(probe.labels.tolist()) == {"a": 2, "b": 6}
    assert list(probe.inputs) == ["words"]


def test_random_states_are_as_they_were():
    labels = [0, 1] * 30
    generator = torch.Generator().manual_seed(3)
    shuffled = loader(labels, shuffle=True, generator=generator)
    state, before = torch.get_rng_state(), generator.get_state()
    Probe.from_loader(shuffled, n=10, stratified=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(generator.get_state(), before)


def test_what_cannot_be_stratified_is_told():
    with pytest.raises(InputError, match="stratified=True needs labels, and batch 0 of the loader has none"):
        Probe.from_loader(DataLoader(torch.rand(10, 2), batch_size=5), n=5, stratified=True)
    with pytest.raises(InputError, match="batch 0 of the loader has 4 inputs and 3 labels"):
        Probe.from_loader([(torch.rand(4, 2), [0, 1, 2])], n=2, stratified=True)
    with pytest.raises(InputError, match="the loader gives no batches"):
        Probe.from_loader([], n=2, stratified=True)


@pytest.mark.parametrize("stratified", [False, True])
def test_single_samples_in_place_of_batches_are_told(stratified):
    samples = [(torch.rand(6), label) for label in (0, 1, 1)]
    with pytest.raises(InputError, match=r"^batch 0 of the loader has 6 inputs and the single label 0; give batches"):
        Probe.from_loader(samples, n=2, stratified=stratified)
    with pytest.raises(InputError, match="batch 1 of the loader has 4 inputs and 3 labels"):
        Probe.from_loader([(torch.rand(4, 2), [0, 1, 1, 0]), (torch.rand(4, 2), [0, 1, 1])], n=6, stratified=stratified)


def test_columns_of_labels_are_stratified_and_what_is_no_class_is_told():
    columns = [(torch.rand(4, 3), torch.tensor([[0], [1], [1], [1]])) for _ in range(3)]
    assert Counter(Probe.from_loader(columns, n=8, stratified=True).labels.tolist()) == {0: 2, 1: 6}
    for labels in (torch.eye(4), [{"boxes": 1}] * 4):
        with pytest.raises(InputError, match="stratified=True needs one class per input, got"):
            Probe.from_loader([(torch.rand(4, 3), labels)], n=3, stratified=True)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.rand(12), r"give Probe\(inputs, Labels\(\)\(labels\)\) or Probe\(inputs, Bins\(10\)\(labels\)\)$"),
        (torch.rand(12, 5), r"give Probe\(inputs, Clusters\(10, seed=0\)\(labels\)\) to cluster them$"),
        (torch.eye(12), r"give reference.argmax\(axis=1\), or Probe\(inputs, Labels\(\)\(labels\)\)$"),
    ],
)
def test_labels_that_are_no_classes_are_told_what_to_write(labels, message):
    inputs = torch.rand(12, 3)
    for make in (lambda: Probe(inputs, labels), lambda: Probe.from_loader([(inputs, labels)])):
        with pytest.raises(InputError, match=message):
            make()
    assert Probe(inputs, Bins(3)(torch.linspace(0, 1, 12))).label_groups.sizes == [4, 4, 4]

"""One rule for integers, real numbers and seeds."""

import math

import numpy as np
import pytest

from diffspec._checks import generator_of, integer, legacy_seed, positive, real, recorded, seed_of, shown
from diffspec.errors import InputError

INTEGERS = [5, np.int64(5), np.uint8(5), np.array(5)]
NO_INTEGERS = [5.0, np.float64(5.0), "5", b"5", None, True, np.True_, np.array([5]), np.array(True), 5j, math.nan, [5]]


@pytest.mark.parametrize("value", INTEGERS, ids=repr)
def test_every_integer_is_a_plain_one(value):
    found = integer(value, "k", least=5, most=5)
    assert found == 5
    assert type(found) is int


@pytest.mark.parametrize("value", NO_INTEGERS, ids=repr)
def test_what_is_no_integer_is_refused_in_one_line(value):
    with pytest.raises(InputError, match=r"^k must be an integer of at least 1, got .*; 5 is usual$") as caught:
        integer(value, "k", least=1, hint="5 is usual")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("least", "most", "words"), [(6, None, "of at least 6"), (None, 4, "of at most 4"), (6, 9, "from 6 to 9")]
)
def test_integers_outside_their_range_are_told_it(least, most, words):
    with pytest.raises(InputError, match=rf"^k must be an integer {words}, got 5$"):
        integer(5, "k", least=least, most=most)


def test_torch_integers_are_integers_and_its_booleans_are_not():
    torch = pytest.importorskip("torch")
    assert integer(torch.tensor(5), "k") == 5
    with pytest.raises(InputError, match="k must be an integer"):
        integer(torch.tensor(True), "k")


@pytest.mark.parametrize("value", ["1", b"1", None, True, np.True_, np.array([1.0]), [1.0], 1j, 10**400], ids=repr)
def test_what_is_no_real_number_fails_every_comparison(value):
    assert math.isnan(real(value))
    with pytest.raises(InputError, match=r"^t must be a positive number, got "):
        positive(value, "t")


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5)], ids=repr)
def test_real_numbers_of_any_library_are_floats(value):
    assert type(positive(value, "t")) is float
    assert positive(value, "t") == 0.5


@pytest.mark.parametrize("seed", [0, 7, np.int64(7), 2**32, 2**100], ids=repr)
def test_a_seed_gives_the_same_draws_every_time(seed):
    assert generator_of(seed).integers(2**60) == np.random.default_rng(int(seed)).integers(2**60)
    assert seed_of(seed) == recorded(seed) == int(seed)
    assert 0 <= legacy_seed(seed) < 2**32
    assert legacy_seed(seed) == legacy_seed(seed)


def test_scikit_learn_gets_small_seeds_as_they_are_and_large_ones_apart():
    assert [legacy_seed(seed) for seed in (0, 7, 2**32 - 1)] == [0, 7, 2**32 - 1]
    assert len({legacy_seed(2**32 + k) for k in range(20)}) == 20


def test_a_seed_sequence_is_a_seed_however_often_it_has_spawned():
    sequence = np.random.SeedSequence(7)
    first = generator_of(sequence)
    first.spawn(3)
    again = generator_of(sequence)
    assert again.spawn(1)[0].integers(2**60) == np.random.default_rng(7).spawn(1)[0].integers(2**60)
    assert recorded(sequence) is None


@pytest.mark.parametrize(
    "make",
    [
        np.random.default_rng,
        np.random.RandomState,
        lambda seed: np.random.Generator(np.random.RandomState(seed)._bit_generator),
    ],
    ids=["Generator", "RandomState", "Generator of old"],
)
def test_a_generator_goes_on_from_where_it_is_and_can_spawn(make):
    rng = make(7)
    drawn = [generator_of(rng).spawn(1)[0].integers(2**60), seed_of(rng), seed_of(rng), legacy_seed(rng)]
    assert len(set(drawn)) == 4
    again = make(7)
    assert drawn == [
        generator_of(again).spawn(1)[0].integers(2**60), seed_of(again), seed_of(again), legacy_seed(again)
    ]  # fmt: skip


def test_no_seed_is_a_fresh_one():
    assert generator_of(None).integers(2**60) != generator_of(None).integers(2**60)
    assert seed_of(None) != seed_of(None)
    assert recorded(None) is None


@pytest.mark.parametrize("seed", [-1, 1.5, 1.0, "x", True, np.True_, [1, 2], np.array([1]), np.random], ids=repr)
@pytest.mark.parametrize("door", [generator_of, seed_of, legacy_seed])
def test_what_is_no_seed_is_refused_in_one_line(seed, door):
    with pytest.raises(InputError, match=r"^rng must be a seed \(an integer of at least 0\), .*, got ") as caught:
        door(seed)
    assert "\n" not in str(caught.value)


def test_what_an_error_shows_is_one_short_line():
    assert shown(np.eye(3)) == "array([[1., 0., 0.], [0., 1., 0.], [0., 0., 1.]])"
    assert len(shown("x" * 10**4)) == 80
    assert shown(10**5000) == "a value of type int"  # Python writes no integer of so many digits
    with pytest.raises(InputError, match=r"^k must be an integer of at most 2\*\*62, got a value of type int$"):
        integer(10**5000, "k", least=1, most=9)

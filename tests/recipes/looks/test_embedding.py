"""Extrema of a graph, planes and how far they are unfolded, and the page of the recipe."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

import recipes
from recipes.lab import pages
from recipes.lab.log import Cell
from recipes.looks import embedding, unfolding
from recipes.looks.extrema import distances, extrema


@pytest.fixture(scope="module")
def star():
    """Three arms of 40 points each, from the middle outwards; the tip of each is its last."""
    rng = np.random.default_rng(0)
    directions = np.array([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]])
    arms = [np.linspace(0.1, 1, 40)[:, None] * direction for direction in directions]
    return np.concatenate(arms) + 1e-3 * rng.normal(size=(120, 2)), np.repeat([0, 1, 2], 40)


def test_extrema_of_a_star_are_its_tips(star):
    points, labels = star
    found = extrema(points, 3)
    assert sorted(labels[found]) == [0, 1, 2]
    assert np.linalg.norm(points[found], axis=1).min() > 0.9


def test_extrema_are_the_definition_on_dense_matrices(star):
    from sklearn.neighbors import kneighbors_graph

    points, _labels = star
    joined = kneighbors_graph(points, 10).toarray()
    joined = (joined + joined.T) / 2
    whole = np.diag(joined.sum(axis=1)) - joined
    expected = [int(np.argmax(np.abs(np.linalg.eigh(whole)[1][:, 1])))]
    for _ in range(4):
        left = [k for k in range(len(points)) if k not in expected]
        vector = np.linalg.eigh(whole[np.ix_(left, left)])[1][:, 0]
        expected.append(left[int(np.argmax(np.abs(vector)))])
    assert extrema(points, 5) == expected


def test_every_part_of_a_graph_in_parts_has_an_extremum():
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(size=(30, 3)) + 100 * k for k in range(4)])
    assert sorted(place // 30 for place in extrema(points, 4)) == [0, 1, 2, 3]


def test_few_points_have_few_extrema():
    assert len(extrema(np.random.default_rng(0).normal(size=(6, 2)), 10)) == 4


def test_distances_are_multiples_of_the_mean(star):
    points, _labels = star
    found = distances(points, [0, 39, 79])
    assert found.shape == (3, 3)
    assert found[0, 1] == pytest.approx(np.linalg.norm(points[0] - points[39]) / pdist(points).mean())
    assert distances(7 * points, [0, 39, 79]) == pytest.approx(found)


def test_between_is_the_share_of_variance_of_class_means():
    plane = np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]])
    assert unfolding.between(plane, np.array([0, 0, 1, 1])) == pytest.approx(4 / 5)
    assert unfolding.between(plane, np.array([0, 1, 0, 1])) == pytest.approx(1 / 5)
    assert unfolding.between(plane, np.array([0, 1, 2, 3])) == pytest.approx(1.0)
    assert unfolding.between(np.zeros((4, 2)), np.array([0, 0, 1, 1])) == 0.0


def test_outside_is_the_radius_of_extrema_over_the_mean_radius():
    plane = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 3.0], [0.0, -3.0]])
    assert unfolding.outside(plane, [2, 3]) == pytest.approx(1.5)
    assert unfolding.outside(plane, [0]) == pytest.approx(0.5)
    assert unfolding.outside(np.zeros((3, 2)), [0]) == 0.0


def test_the_potential_plane_shows_arms_and_a_look_holds_what_is_drawn(star):
    points, labels = star
    plane = embedding.potential(points)
    assert plane.shape == (120, 2)
    assert unfolding.between(plane, labels) > 0.6
    found = embedding.look(points, labels, drawn=50)
    assert found["classes of extrema"] == 3
    assert len(found["distances"]) == 3
    assert len(found["labels"]) == len(found["potential"]) == len(found["PCA"]) == 53
    assert np.abs(found["PCA"]).max() <= 1000
    assert "labels" not in embedding.look(points, labels, drawn=0)


def test_a_square_from_what_is_above_its_diagonal():
    assert unfolding.square([1, 2, 3]).tolist() == [[0, 1, 2], [1, 0, 3], [2, 3, 0]]


def made(star, *, condition, seed=0, drawn=20):
    points, labels = star
    ball = np.random.default_rng(seed).normal(size=points.shape)
    end = ball if condition == "wrong labels" else points
    looks = [embedding.look(some, labels, drawn) for some in (ball, end)]
    values = {name: [look[name] for look in looks] for name in looks[0]}
    key = {"network": "resnet", "data": "MNIST", "condition": condition, "seed": seed, "train": 4000, "drawn": drawn}
    return Cell(key=key, values={**values, "looks": [0, 9], "accuracy": [0.1, 0.75]})


def test_the_page_compares_before_with_the_end(star):
    recipe = recipes.load("embedding")
    cells = [made(star, condition=condition) for condition in ("supervised", "wrong labels")]
    cells.append(made(star, condition="supervised", seed=1, drawn=0))
    found = unfolding.numbers(cells)
    assert found["change of potential: between classes, supervised"] > 0.5
    assert found["change of potential: between classes, wrong labels"] == 0.0
    figure = recipe.figure(cells)
    assert [axis.get_title() for axis in figure.axes[:2]] == ["epoch 0, 10% right", "epoch 9, 75% right"]
    assert len(figure.axes) == 4
    assert [len(drawn.get_offsets()) for drawn in figure.axes[0].collections] == [20, 3]
    assert len(recipe.FURTHER["distances"](cells).axes) == 5
    assert "| resnet, MNIST, wrong labels | " in pages.page("embedding", cells, "cpu.png")

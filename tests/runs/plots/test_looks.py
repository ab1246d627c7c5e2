"""Words of figures: names that are cut stay apart."""

import pytest

from diffspec.runs.plots.looks import briefly


@pytest.mark.parametrize(
    ("names", "most", "cut"),
    [
        (["conv1", "conv2"], 5, ["conv1", "conv2"]),
        (["abcdefghij"], 6, ["ab…hij"]),
        (["model.0.projection", "model.1.projection"], 10, ["model.0.p…", "model.1.p…"]),
        (["model.attention.0", "model.attention.1"], 9, ["mode…on.0", "mode…on.1"]),
        (
            ["the_same_start.0.end", "the_same_start.1.end", "the_same_start.1.fin"],
            7,
            ["….0.end", "….1.end", "….1.fin"],
        ),
    ],
)
def test_names_are_cut_where_they_stay_apart(names, most, cut):
    found = briefly(names, most)
    assert list(found.values()) == cut
    assert max(map(len, cut)) <= most

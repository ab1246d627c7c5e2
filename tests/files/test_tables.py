"""Tables: text is never merged, labels never measured, separators and headers found, gaps named by column and row."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import diffspec
from diffspec import Estimate, InputError, TooLargeError
from diffspec.cli.command import run
from diffspec.files.reading import Source, load, load_labels, load_points, load_reference
from diffspec.files.tables import Selection
from diffspec.points.groups import Labels


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def groups(values):
    """Which rows belong together, and the names."""
    partition = Labels()(values)
    return partition.codes.tolist(), partition.names


# Labels keep every difference between two words.

WORDS = {
    "versions": ["3.1", "3.10", "3.1", "3.2"],
    "leading zeros": ["01", "1", "01", "001"],
    "exponents": ["1e3", "1000", "1000.0", "1e3"],
    "trailing zeros": ["1.10", "1.1", "1.10"],
    "signs": ["+1", "1", "-0", "0"],
    "blanks at the end": ["cat", "cat ", "cat"],
    "blanks before": ["cat", " cat", "cat"],
    "quotes and separators": ["a,b", 'say "a"', "a;b", "a\tb"],
    "several lines": ["a\nb", "a", "b"],
    "underscores": ["1_0", "10", "1_0"],
    "large integers": ["12345678901234567890", "12345678901234567891", "1"],
    "close floats": ["0.1", "0.10000000000000001", "0.1"],
    "booleans": ["True", "False", "true", "True"],
    "words for missing": ["None", "NA", "null", "None"],
    "infinities": ["inf", "Infinity", "inf"],
    "other digits": ["\u0661", "1", "\u0661"],
    "two words": ["New York", "Los Angeles", "New York"],
    "numbered": ["class 1", "class 2", "class 1"],
    "letters": ["é", "e\u0301", "é"],
}


def write_words(suffix, words):
    table = pd.DataFrame({"label": words})
    path = Path(f"labels{suffix}")
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep={".csv": ",", ".tsv": "\t", ".txt": ","}[suffix])
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".parquet"])
@pytest.mark.parametrize("kind", WORDS)
def test_the_same_names_give_the_same_groups_from_every_file(kind, suffix):
    np.save("labels.npy", np.array(WORDS[kind]))
    expected = groups(load_labels(Source(Path("labels.npy"))).values)
    assert groups(load_labels(Source(write_words(suffix, WORDS[kind]))).values) == expected


@pytest.mark.parametrize("kind", WORDS)
def test_a_column_of_labels_beside_features_keeps_its_words(kind):
    words = WORDS[kind]
    pd.DataFrame({"x": np.arange(len(words)) + 0.5, "label": words}).to_csv("table.csv", index=False)
    found = load_labels(Source(Path("table.csv"), "label")).values
    assert groups(found) == groups(np.array(words))


@pytest.mark.parametrize("values", [[0, 10, 2, 10], [0.0, 1.0, 0.5, 1.0], [-1, 3, 3, 0], [1e300, 0.1, 0.1, 2.0]])
@pytest.mark.parametrize("writer", ["pandas", "numpy"])
def test_numbers_for_labels_are_numbers_and_sort_as_such(values, writer):
    if writer == "pandas":
        pd.DataFrame({"label": values}).to_csv("labels.csv", index=False)
    else:
        np.savetxt("labels.csv", values)
    found = load_labels(Source(Path("labels.csv"))).values
    assert found.dtype.kind in "if"
    assert found.tolist() == values


def test_a_reference_is_a_quantity_where_it_has_a_fraction_and_classes_where_zeros_lead():
    Path("q.csv").write_text("v\n1.50\n2.25\n1.5\n")
    assert load_reference(Source(Path("q.csv"))).values.tolist() == [1.5, 2.25, 1.5]
    Path("q.csv").write_text("v\n01\n1\n02\n")
    assert load_reference(Source(Path("q.csv"))).values.tolist() == ["01", "1", "02"]
    Path("q.csv").write_text("v\n3\n1\n2\n")
    assert load_reference(Source(Path("q.csv"))).values.dtype.kind == "i"


def test_a_missing_label_is_refused_with_its_row():
    for text in ("label\ncat\n\ndog\n", 'label\ncat\n""\ndog\n', "label\ncat\nnan\ndog\n"):
        Path("labels.csv").write_text(text)
        with pytest.raises(
            InputError, match=r"1 missing values in column 'label', the first in row 1 \(counted from 0\)"
        ):
            load_labels(Source(Path("labels.csv")))


# The label column is no feature.


@pytest.fixture
def noise():
    """Noise with labels that it knows nothing of: (points, labels)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 4)), rng.integers(0, 4, size=120) * 100


def write_table(suffix, points, **more):
    table = pd.DataFrame(points, columns=list("abcd")).assign(**more)
    path = Path(f"noise{suffix}")
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    return path


LEAKS = {
    "one file twice": ["--labels", "{file}", "--labels-key", "label"],
    "the column alone": ["--labels-column", "label"],
    "the key alone": ["--labels-key", "label"],
    "a link": ["--labels", "link{suffix}", "--labels-column", "label"],
    "as a reference": ["--reference", "{file}", "--labels-column", "label"],
}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".parquet"])
@pytest.mark.parametrize("how", LEAKS)
def test_labels_in_the_same_table_are_no_feature(noise, capsys, how, suffix):
    points, labels = noise
    file = write_table(suffix, points, label=labels)
    Path(f"link{suffix}").symlink_to(file)
    arguments = [argument.format(file=file, suffix=suffix) for argument in LEAKS[how]]
    assert run(["measure", str(file), *arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert Estimate.from_json(out).value == pytest.approx(diffspec.dsmi(points, labels).value, abs=1e-9)
    assert err == f"Note: of {file} these columns are left out: 'label' (the labels)\n"


@pytest.mark.parametrize("other", ["label.csv", "label.npy", "copy.csv", "copy.parquet"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_labels_of_another_file_that_the_table_holds_too_are_no_feature(noise, capsys, other, suffix):
    points, labels = noise
    file = write_table(suffix, points, label=labels)
    table = pd.DataFrame({"label": labels, "more": points[:, 0]})
    table[["label"]].to_csv("label.csv", index=False)
    np.save("label.npy", labels)
    table.to_csv("copy.csv", index=False)
    table.to_parquet("copy.parquet")
    given = ["--labels", other, *(["--labels-column", "label"] if other.startswith("copy") else []), "--json"]
    assert run(["measure", str(file), *given]) == 0
    out, err = capsys.readouterr()
    assert Estimate.from_json(out).value == pytest.approx(diffspec.dsmi(points, labels).value, abs=1e-9)
    assert err == f"Note: of {file} these columns are left out: 'label' (the labels)\n"
    for asked in ([str(file), "--features", "label"], ["label.csv"]):  # by name, or as all that there is
        assert run(["measure", *asked, *given]) == 0
        out, err = capsys.readouterr()
        assert Estimate.from_json(out).value > 1.9
        assert err == ""


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
def test_labels_in_the_same_archive_leave_one_array(noise, capsys, suffix):
    import safetensors.numpy
    import torch

    points, labels = noise
    arrays = {"z": points, "label": labels}
    file = f"noise{suffix}"
    {
        ".npz": lambda: np.savez(file, **arrays),
        ".safetensors": lambda: safetensors.numpy.save_file(arrays, file),
        ".pt": lambda: torch.save({name: torch.asarray(array) for name, array in arrays.items()}, file),
    }[suffix]()
    assert run(["measure", file, "--labels-key", "label", "--json"]) == 0
    out, err = capsys.readouterr()
    assert Estimate.from_json(out).value == pytest.approx(diffspec.dsmi(points, labels).value, abs=1e-9)
    assert err == ""


SELECTIONS = {
    (): "abcd",
    ("--drop", "b"): "acd",
    ("--drop", "b", "--drop", "d"): "ac",
    ("--features", "a", "--features", "c"): "ac",
    ("--features", "[a-c]"): "abc",
    ("--features", "[a-c]", "--drop", "b"): "ac",
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("options", SELECTIONS)
def test_columns_are_chosen_and_dropped_and_text_is_left_out(noise, capsys, options, suffix):
    points, labels = noise
    file = write_table(suffix, points, name=[f"name {label}" for label in labels])
    assert run(["measure", str(file), *options, "--json"]) == 0
    out, err = capsys.readouterr()
    kept = points[:, ["abcd".index(name) for name in SELECTIONS[options]]]
    assert Estimate.from_json(out).value == pytest.approx(diffspec.dse(kept).value, abs=1e-9)
    note = f"Note: of {file} these columns are left out: 'name' (text)\n"
    assert err == ("" if "--features" in options else note)


def test_what_cannot_be_chosen_is_one_line(noise, capsys):
    file = write_table(".csv", noise[0], name="x")
    np.save("points.npy", noise[0])
    for arguments, words in {
        ("noise.csv", "--drop", "q"): "has no column 'q'; it has a, b, c, d, name",
        ("noise.csv", "--features", "z*"): "has no column 'z*'",
        ("noise.csv", "--features", "name"): "holds text in column 'name'",
        ("noise.csv", "--drop", "*"): "has no columns of numbers to measure",
        ("points.npy", "--drop", "a"): "--features and --drop are for tables",
        ("noise.csv", "--labels", "noise.csv"): "choose one by its name (--key, --labels-column): a, b, c, d, name",
    }.items():
        assert run(["measure", *arguments]) == 2
        err = capsys.readouterr().err
        assert words in err
        assert err.count("\n") == 1
    assert file.exists()


REPEATED = [
    "--labels a.npy --labels b.npy",
    "--seed 1 --seed 2",
    "--header --no-header",
    "--bins 2 --bins 3",
]


@pytest.mark.parametrize("options", REPEATED)
def test_an_option_given_twice_is_refused_and_not_dropped(capsys, options):
    assert run(["measure", "points.npy", *options.split()]) == 2
    assert f"Error: give {options.split()[0]}" in capsys.readouterr().err


# Gaps and types.


@pytest.mark.parametrize(
    "kind", ["float64", "Float64", "Int64", "double[pyarrow]", "int32[pyarrow]", "float32", "boolean"]
)
def test_nullable_columns_are_numbers_where_nothing_is_missing(kind):
    values = np.arange(24).reshape(8, 3) % (2 if kind == "boolean" else 100)
    table = pd.DataFrame(values, columns=list("abc")).astype("bool" if kind == "boolean" else float).astype(kind)
    table.to_parquet("t.parquet")
    table.to_csv("t.csv", index=False)
    for name in ("t.parquet", "t.csv"):
        found = load(name)
        assert found.dtype.kind in "fiub"
        np.testing.assert_array_equal(found, values)
    if kind in ("Float64", "Int64", "double[pyarrow]", "boolean"):
        table.loc[5, "b"] = pd.NA
        table.to_parquet("t.parquet")
        table.to_csv("t.csv", index=False)
        for name in ("t.parquet", "t.csv"):
            with pytest.raises(
                InputError, match=r"1 missing values in column 'b', the first in row 5 \(counted from 0\)"
            ):
                load(name)


def test_numbers_and_booleans_side_by_side_are_numbers():
    table = pd.DataFrame({"x": [0.5, 1.5, 2.5], "flag": [True, False, True], "n": [1, 2, 3]})
    table.to_parquet("t.parquet")
    table.to_csv("t.csv", index=False)
    for name in ("t.parquet", "t.csv"):
        np.testing.assert_array_equal(load(name), [[0.5, 1, 1], [1.5, 0, 2], [2.5, 1, 3]])


@pytest.mark.parametrize("cell", ["", "NA", "nan", "NaN", "null", "<NA>", "N/A"])
def test_a_gap_is_named_by_column_and_row(cell):
    Path("t.csv").write_text(f"a,b\n1,2\n3,{cell}\n5,6\n")
    with pytest.raises(
        InputError, match=r"1 missing values in column 'b', the first in row 1 \(counted from 0\); fill them"
    ):
        load("t.csv")


@pytest.mark.parametrize("cell", ["?", "-", "three", "1_000", "1.5.2", '"1,5"', "True"])
def test_text_among_numbers_is_refused_and_no_column_is_dropped_for_it(cell):
    Path("t.csv").write_text(f"a,b\n1,2\n3,{cell}\n5,6\n")
    with pytest.raises(InputError, match="mixes numbers and text in column 'b'"):
        load("t.csv")


def test_the_index_of_a_frame_is_no_feature():
    values = np.random.default_rng(0).normal(size=(30, 3))
    table = pd.DataFrame(values, columns=list("abc"))
    table.to_csv("named.csv")
    table.sample(frac=1, random_state=0).to_csv("shuffled.csv")
    table.rename(index=str).rename(index=lambda k: f"r{k}").to_csv("text.csv")
    table.to_csv("headless.csv", header=False)
    pd.read_csv("named.csv").to_csv("again.csv", index=False)
    pd.DataFrame(values).to_csv("counted.csv")
    table.to_csv("called.csv", index_label="row")
    table.sample(frac=1, random_state=0).reset_index().to_csv("reset.csv", index=False)
    table.rename(index=lambda k: 7 * k + 5).to_csv("id.csv", index_label="ID")
    for name in ("named", "shuffled", "text", "headless", "again", "counted", "called", "reset", "id"):
        loaded = load_points(Source(Path(f"{name}.csv")), Selection())
        assert loaded.values.shape == (30, 3), name
        assert len(loaded.notes) == 1
        assert "left out" in loaded.notes[0]
    table.reset_index().to_parquet("reset.parquet", index=False)
    assert load_points(Source(Path("reset.parquet")), Selection()).values.shape == (30, 3)
    # What is asked for by its name is one, and so is a column that is the only one, or neither counts nor is an id.
    assert load_points(Source(Path("called.csv")), Selection(("row", "a"))).values.shape == (30, 2)
    pd.DataFrame({"row": range(30)}).to_csv("only.csv", index=False)
    assert load_points(Source(Path("only.csv")), Selection()).values.shape == (30, 1)
    table.assign(a=np.arange(30)[::-1]).to_csv("feature.csv", index=False)
    assert load_points(Source(Path("feature.csv")), Selection()).values.shape == (30, 3)
    table.set_index("a").to_parquet("t.parquet")
    with pytest.warns(UserWarning, match=r"'a' \(row numbers\)"):
        np.testing.assert_array_equal(load("t.parquet"), values[:, 1:])


@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
def test_a_header_of_savetxt_names_the_columns_without_its_mark(separator):
    values = np.random.default_rng(0).normal(size=(30, 3))
    ids = np.random.default_rng(0).permutation(300)[:30]
    np.savetxt(
        "t.csv", np.column_stack([ids, values]), delimiter=separator, header=separator.join(["id", "a", "b", "label"])
    )
    loaded = load_points(Source(Path("t.csv")), Selection())
    np.testing.assert_array_equal(loaded.values, values)
    assert "'id' (row numbers)" in loaded.notes[0]
    np.testing.assert_array_equal(load("t.csv", key="id"), ids)


@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
@pytest.mark.parametrize("names", ["", "a{0}b{0}c\n", "# a{0}b{0}c\n"])
@pytest.mark.parametrize("comment", ["# made by us all\n", "# made by us all\n#\n# on a day, and another\n", "#12\n"])
def test_comments_above_a_table_are_no_rows(separator, names, comment):
    values = np.random.default_rng(0).normal(size=(30, 3))
    rows = [separator.join(map(repr, row)) for row in values.tolist()]
    Path("t.txt").write_text(comment + names.format(separator) + "\n".join(rows))
    np.testing.assert_array_equal(load("t.txt"), values)
    Path("t.txt").write_text(comment + "\n".join([*rows[:3], rows[3] + separator + "1", *rows[4:]]))
    if separator == ",":
        with pytest.raises(InputError, match=f"fields in line {comment.count(chr(10)) + 4} and"):
            load("t.txt")


def test_words_with_a_mark_are_words():
    for words in (["#cat", "#cat", "dog", "#cat"], ["# of legs", "# of legs", "two"], ["#a1", "#b2", "#a1"]):
        Path("t.txt").write_text("\n".join(words))
        assert load("t.txt").tolist() == words
    Path("t.csv").write_text("#ff0000,1\n#ff0000,2\nred,3\n")
    assert load("t.csv", key="0").tolist() == ["#ff0000", "#ff0000", "red"]


# Separators.


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", ", ", "   "])
@pytest.mark.parametrize("head", ["", "x{0}y{0}z\n", "x{0}y{0}label\n"])
def test_the_separator_is_found(suffix, separator, head):
    rows = [[1.5, -2.0, 3.0], [0.1, 1e-3, 4.0], [7.0, 8.5, 9.0]]
    label = "label" in head
    lines = [
        separator.join([*map(repr, row[:2]), f"c{k % 2}" if label else repr(row[2])]) for k, row in enumerate(rows)
    ]
    path = Path(f"t{suffix}")
    path.write_text(head.format(separator) + "\n".join(lines) + "\n")
    if label:
        assert load_labels(Source(path, "label")).values.tolist() == ["c0", "c1", "c0"]
        assert load_points(Source(path), Selection()).values.tolist() == [row[:2] for row in rows]
    else:
        assert load(path).tolist() == rows


@pytest.mark.parametrize(
    "options", [{}, {"fmt": "%d"}, {"delimiter": ","}, {"header": "a b"}, {"delimiter": ",", "header": "a,b"}]
)
def test_what_numpy_saves_as_text_is_read(options):
    values = np.arange(12.0).reshape(6, 2)[::-1]
    np.savetxt("t.txt", values, **options)
    np.testing.assert_array_equal(load("t.txt"), values)


@pytest.mark.parametrize("cell", ["1,5", "-1.234,5", "1,5e-3", ",5"])
def test_decimal_commas_are_refused_with_the_remedy(cell):
    Path("t.csv").write_text(f"a;b\n{cell};2,5\n3,5;4,25\n")
    with pytest.raises(InputError, match=rf"'{cell}' in row 0, counted from 0.*; write decimal points"):
        load("t.csv")


def test_an_open_quote_does_not_swallow_rows():
    Path("t.csv").write_text('label\ncat\n"dog\ncat\nemu\n')
    with pytest.raises(InputError, match=r"is no readable \.csv file"):
        load("t.csv")


# Headers.


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("NA\n1.5\n2.5\n", None),  # a gap in the first row is a gap, and no name
        ("NA,1.5\n2.5,3.5\n", None),
        ("?,1.5\n2.5,3.5\n", None),
        ("True,False\nTrue,True\nFalse,True\n", 3),
        ("True\nFalse\nFalse\n", 3),
        ("0,1\n1,0\n0,1\n", 3),  # one-hot classes, of which the first counts
        ("0,1\n1.5,2\n2.5,3\n", 2),
        ("label,0,1\ncat,1.5,2\ndog,2.5,3\n", 2),
        (",a\n0,1.5\n1,2.5\n", 2),
    ],
)
def test_the_first_row_is_read_for_what_it_is(text, rows):
    Path("t.csv").write_text(text)
    if rows is None:
        with pytest.raises(InputError, match=r"missing values|mixes numbers and text"):
            load("t.csv")
    else:
        assert len(load_points(Source(Path("t.csv")), Selection()).values) == rows


@pytest.mark.parametrize("text", ["cat,red\ndog,blue\ncat,red\n", "1,2,cat\n3,4,dog\n5,6,cat\n"])
def test_text_that_comes_again_below_is_data(text):
    Path("t.csv").write_text(text)
    width = text.split("\n")[0].count(",")
    assert load_labels(Source(Path("t.csv"), str(width))).values.tolist()[0] in ("red", "cat")


def test_what_may_be_either_is_asked_for():
    Path("t.csv").write_text("2020,2021,country\n1,2,de\n3,4,fr\n")
    with pytest.raises(
        InputError, match=r"starts with '2020, 2021, country', which may be column names or a row; say --h"
    ):
        load("t.csv")
    assert load("t.csv", header=True, key="country").tolist() == ["de", "fr"]


def test_two_files_have_two_headers(noise, capsys):
    points, labels = noise
    np.savetxt("points.csv", points, delimiter=",")
    pd.Series(labels, name="label").to_csv("labels.csv", index=False)
    pd.Series(labels).to_csv("zero.csv", index=False)  # with "0" for its header, which may be a label
    expected = diffspec.dsmi(points, labels).value
    for arguments in (
        ["labels.csv"],
        ["labels.csv", "--labels-header"],
        ["zero.csv", "--labels-header", "--no-header"],
    ):
        assert run(["measure", "points.csv", "--labels", *arguments, "--json"]) == 0
        assert Estimate.from_json(capsys.readouterr().out).value == pytest.approx(expected, abs=1e-9)
    assert run(["measure", "points.csv", "--labels", "zero.csv"]) == 2
    err = capsys.readouterr().err
    assert "got 121 in zero.csv for 120 in points.csv" in err
    assert "the first line of zero.csv, '0', was taken for data" in err
    assert "--labels-header" in err


def test_a_series_with_its_index_is_read_as_it_is_written(noise, capsys):
    points, labels = noise
    np.savetxt("points.csv", points)
    words = pd.Series(np.array(["cat", "dog", "emu"])[labels % 3])
    plain = pd.Series(labels)
    for file, series in {
        "plain.csv": plain,
        "named.csv": plain.rename("label"),
        "words.csv": words,
        "rows.csv": plain.rename(index=lambda k: f"row {k}"),
        "ids.csv": plain.rename(index=lambda k: 3 * k + 10),
        "headless.csv": plain.rename("label"),
    }.items():
        series.to_csv(file, header=file != "headless.csv")
        expected = diffspec.dsmi(points, words if file == "words.csv" else labels).value
        assert run(["measure", "points.csv", "--labels", file, "--json"]) == 0, file
        assert Estimate.from_json(capsys.readouterr().out).value == pytest.approx(expected, abs=1e-9), file
    # A blank and a number above numbers with a fraction, or above one that comes again, are no header.
    Path("gap.csv").write_text(",0\n0.5,1\n1.5,0\n")
    Path("again.csv").write_text(",0\n1,1\n1,0\n")
    for file in ("gap.csv", "again.csv"):
        with pytest.raises(InputError, match="has 1 missing values in column '0', the first in row 0"):
            load_points(Source(Path(file)), Selection())


# Without pandas, and larger than memory.


def test_text_files_need_no_package_beyond_the_base(noise):
    write_table(".csv", noise[0], label=noise[1])
    code = (
        "import sys; sys.modules['pandas'] = sys.modules['pyarrow'] = None\n"
        "from diffspec.cli.command import run; sys.exit(run(['measure', 'noise.csv', '--labels-column', 'label']))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_a_text_file_larger_than_memory_is_refused(monkeypatch):
    Path("t.csv").write_text("1,2\n3,4\n")
    monkeypatch.setattr("diffspec.files.archives.free_memory", lambda _like: 3.0)
    with pytest.raises(TooLargeError, match="would take"):
        load("t.csv")

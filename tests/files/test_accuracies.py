"""Numbers by name: tables as people have them, with and without a line of column names."""

from __future__ import annotations

from typing import Any

import pytest

from diffspec import InputError
from diffspec.files.accuracies import accuracies

FOUND = {"a": 0.9, "01": 0.8, "1": 0.7}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("named.csv", "name,acc\na,.9\n01,.8\n1,.7\n"),
        ("bare.csv", "a,.9\n01,.8\n1,.7\n"),
        ("percent.csv", "a,90\n01,80\n1,70\n"),
        ("german.csv", "name;acc\na;.9\n01;.8\n1;.7\n"),
        ("tabs.tsv", "name\tacc\na\t.9\n01\t.8\n1\t.7\n"),
        ("blanks.csv", "name, acc\na , .9\n01 , .8\n1 , .7\n"),
        ("series.csv", ",acc\na,.9\n01,.8\n1,.7\n"),
        ("frame.csv", ",name,acc\n0,a,.9\n1,01,.8\n2,1,.7\n"),
        ("several.csv", "name,layers,kind,val_acc\na,3,x,.9\n01,3,y,.8\n1,4,z,.7\n"),
        ("gap.csv", "name,acc\na,.9\nb,\n01,.8\nc,nan\n1,.7\n"),
        ("excel.csv", "\ufeffname,acc\r\na,.9\r\n01,.8\r\n1,.7\r\n"),
    ],
)
def test_names_and_numbers_are_found(tmp_path: Any, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    scale = 100.0 if name == "percent.csv" else 1.0
    assert accuracies(tmp_path / name) == {name: scale * value for name, value in FOUND.items()}


def test_a_column_can_be_named(tmp_path: Any) -> None:
    (tmp_path / "t.csv").write_text("name,acc,loss\na,.9,1\nb,.8,2\n")
    assert accuracies(tmp_path / "t.csv", "loss") == {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("t.csv", b"name,acc\na,90%\nb,80%\n", None, r"no column of numbers; it has none; 'acc' has '90%' in row 0"),
        ("t.csv", b"name,acc\na,90%\nb,80%\n", None, "counted from 0; write plain numbers$"),
        ("t.csv", b"name;acc\na;0,9\nb;0,8\n", None, "'acc' has '0,9' in row 0, counted from 0; write decimal points$"),
        ("t.csv", b"name,acc\na,.9\nb,.8\n", "x", "no column of numbers 'x'; it has acc"),
        ("t.csv", b"name,acc\na,.9\nb,.8\na,.7\n", None, "has the name 'a' in two rows; leave one out"),
        ("t.csv", b"name,acc,n\xe9\na,.9,x\n", None, "byte 10 is not UTF-8"),
        ("t.csv", b"name,acc\n", None, "holds? (column names and )?no rows|no column of numbers"),
        ("t.npy", b"\x93NUMPY", None, "must be a table of names and numbers, .csv, .tsv, .txt"),
        ("none.csv", None, None, "there is no file"),
    ],
)
def test_what_is_no_such_table_is_one_line(
    tmp_path: Any, name: str, content: bytes | None, column: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        accuracies(tmp_path / name, column)

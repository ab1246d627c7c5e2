"""Damaged run logs: every reader takes what is whole and says what is not, and no error is another's."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from diffspec import InputError, RunLogWarning
from diffspec.runs.log import RunLog, read
from diffspec.runs.plots import embedding, spectra, training_curves
from diffspec.runs.report import write
from effort import seeds

HEADER = b'{"kind": "run-log", "schema": 1, "version": "0", "created": "now"}\n'


def number(step: Any = 1, **fields: Any) -> dict[str, Any]:
    where = {"run": "a", "step": step, "layer": "z", "rule": "median"}
    return {"kind": "number", **where, "name": "DSE(Z)", "value": 1.5, "unit": "bit", "stderr": 0.1, "n": 9, **fields}


def line(record: Any) -> bytes:
    return json.dumps(record).encode() + b"\n"


def text(**fields: str) -> bytes:
    """A number whose fields are replaced by what JSON, or Python's reading of it, may hold."""
    whole = json.dumps(number(7))
    for name, value in fields.items():
        was = json.dumps(number(7)[name])
        whole = whole.replace(f'"{name}": {was}', f'"{name}": {value}')
    return whole.encode() + b"\n"


FIRST, LAST = number(0), number(9)
SPECTRUM = {"kind": "spectrum", "run": "a", "step": 0, "layer": "z", "rule": "median", "values": [1.0, 0.5, 0.1]}
PICTURE = {"kind": "picture", "run": "a", "step": 0, "layer": "z", "method": "PCA", "x": [1.0, 2.0], "y": [0.0, 1.0]}
SETTINGS = {"kind": "settings", "run": "a", "values": {"rate": 0.1, "data": {"name": "digits"}}}
FAILURE = {"kind": "failure", "run": "a", "step": 0, "layer": "z", "name": "DSE(Z)", "rule": "median", "error": "none"}
ALERT = {"kind": "alert", "run": "a", "step": 0, "layer": "z", "rule": "median", "name": "collapse", "text": "flat"}
SKIPPED = {"kind": "skipped", "run": "a", "step": 3, "text": "looks are left out"}
WHOLE = [FIRST, SPECTRUM, PICTURE, SETTINGS, FAILURE, ALERT, SKIPPED]

DAMAGES: dict[str, bytes] = {
    "a block of NULs": b"\x00" * 4096 + b"\n",
    "bytes that are no text": b"\xff\xfe\x80 caf\xe9\n",
    "no text inside a record": text(run='"X"').replace(b"X", b"\xff"),
    "a line cut in its middle": text()[:40] + b"\n",
    "a line without its start": text()[15:],
    "nothing but a bracket": b"{\n",
    "a list": b"[1, 2, 3]\n",
    "a number": b"3\n",
    "a text": b'"kind"\n',
    "null": b"null\n",
    "an empty object": b"{}\n",
    "an unknown kind": line({"kind": "gauge", "run": "a", "step": 1}),
    "a kind that is a list": line({"kind": ["number"]}),
    "a kind that is an object": line({"kind": {"kind": "number"}}),
    "no kind": line({"run": "a", "step": 1}),
    "nested a hundred thousand times": b"[" * 100_000 + b"\n",
    "objects nested a hundred thousand times": b'{"kind":' * 100_000 + b"\n",
    "settings nested deeply": line(SETTINGS)[:-2].replace(b"0.1", b'{"a": ' * 900 + b"1" + b"}" * 900) + b"}\n",
    "NaN": text(value="NaN"),
    "infinity": text(value="-Infinity"),
    "more than a float holds": text(value="1e999"),
    "an integer that no float holds": text(value="1" + "0" * 400),
    "an integer of too many digits": text(value="1" * 5000),
    "a step that no float holds": text(step="1" + "0" * 400),
    "NaN in a list": line({**SPECTRUM, "step": 7}).replace(b"0.5", b"NaN"),
    "a list of texts": line({**SPECTRUM, "step": 7, "values": ["a"]}),
    "a list in a list": line({**PICTURE, "step": 7, "x": [[1.0], [2.0]]}),
    "as many x as y": line({**PICTURE, "step": 7, "x": [1.0]}),
    "classes that are a text": line({**PICTURE, "step": 7, "classes": "ab"}),
    "an infinite setting": line({**SETTINGS, "values": {"sigma": 1e999}}),
    "an endless sigma": text().replace(b'"n": 9', b'"n": 9, "settings": {"sigma": 1' + b"0" * 400 + b"}"),
    "settings that are a list": line({"kind": "settings", "run": "a", "values": [1]}),
    "a failure without a text": line({**FAILURE, "error": None}),
    "an alert without a text": line({**ALERT, "text": None}),
    "an alert without a name": line({**ALERT, "name": 3}),
    "looks left out at no step": line({**SKIPPED, "step": None}),
    "looks left out without a word": line({**SKIPPED, "text": None}),
    "times that are a list": line(number(7, times=[1.0])),
    "times by words": line(number(7, times={"late": 1.0})),
    "times below 0": line(number(7, times={"-1": 1.0})),
    "a text at a time": line(number(7, times={"3": "1.0"})),
    "NaN at a time": line(number(7, times={"3": 1.0})).replace(b'"3": 1.0', b'"3": NaN'),
    "a newer schema": HEADER.replace(b"1", b"2", 1) + text() + HEADER,
    "a schema of another type": HEADER.replace(b"1", b'{"a": []}', 1),
    "a header without its schema": HEADER.replace(b"schema", b"schemb"),
    "a schema that no float holds": HEADER.replace(b"1", b"1" * 400, 1),
    **{f"no {name}": text(**{name: "null"}) for name in ("run", "step", "name", "value")},
    **{f"a text as {name}": text(**{name: '"x"'}) for name in ("step", "value", "stderr")},
    **{f"a number as {name}": text(**{name: "3"}) for name in ("run", "name", "layer", "rule", "unit")},
    **{f"a list as {name}": text(**{name: "[]"}) for name in ("run", "name", "value", "layer", "rule", "step")},
    **{f"truth as {name}": text(**{name: "true"}) for name in ("step", "value")},
}

ODD: dict[str, bytes] = {
    "half a surrogate pair": text(run='"\\ud800"'),
    "half a surrogate pair as a key": text().replace(b'"n": 9', b'"n": 9, "settings": {"\\udfff": 1}'),
    "a pair of surrogates": text(run='"\\ud83d\\ude00"'),
    "a NUL as text": text(run='"a\\u0000b"'),
    "mark-up": text(run='"<script>alert(1)</script>"', name='"$\\\\alpha"'),
    "a key twice": text().replace(b'"n": 9', b'"n": 9, "n": 8, "value": 2.5'),
    "further fields": text().replace(b'"n": 9', b'"n": 9, "host": ["b", {"c": null}]'),
    "no times": line(number(7, times=None)),
    "times": line(number(7, times={"1": 1.0, "0.5": 2, "100": 0.25})),
    "an early step": text(step="-5"),
    "a large value": text(value="1e300", stderr="1e300"),
    "a small value": text(value="5e-324", stderr="5e-324"),
    "an empty spectrum": line({**SPECTRUM, "step": 7, "values": []}),
    "an empty picture": line({**PICTURE, "step": 7, "x": [], "y": []}),
    "a picture of large numbers": line({**PICTURE, "step": 7, "x": [-1e300, 1e300]}),
    "classes of all kinds": line({**PICTURE, "step": 7, "classes": [None, {"a": [1]}]}),
    "no layer, no rule": text(layer="null", rule="null"),
    "another log's header": HEADER,
    "an empty line": b"\n \n",
    "an end of line of Windows": text()[:-1] + b"\r\n",
}


def drawn(figure: Any, path: Path) -> None:
    figure.set_layout_engine("none")  # which takes most of the time
    figure.savefig(path)


DRAWERS: dict[str, Callable[[Path], Any]] = {
    "report": lambda path: write(path, path.with_suffix(".html")),
    "curves": lambda path: drawn(training_curves(path, layer="z"), path.with_suffix(".png")),
    "spectra": lambda path: drawn(spectra(path, layer="z"), path.with_suffix(".png")),
    "embedding": lambda path: drawn(embedding(path, layer="z"), path.with_suffix(".png")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_left_out_and_said(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.jsonl"
    before = HEADER + b"".join(map(line, WHOLE))
    path.write_bytes(before + DAMAGES[damage] + line(LAST))
    number_of_line = before.count(b"\n") + 1 + (damage == "a newer schema")
    with pytest.warns(RunLogWarning, match=f"1 damaged or unknown lines are left out: line {number_of_line} is "):
        assert read(path) == [*WHOLE, LAST]


@pytest.mark.parametrize("oddity", ODD)
def test_what_is_odd_is_read(tmp_path: Path, oddity: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(HEADER + b"".join(map(line, WHOLE)) + ODD[oddity] + line(LAST))
    found = read(path)
    assert [record for record in found if record in (*WHOLE, LAST)] == [*WHOLE, LAST]
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()  # text that can be written


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
@pytest.mark.parametrize("drawer", DRAWERS)
def test_damaged_and_odd_logs_are_drawn(tmp_path: Path, drawer: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(HEADER + b"".join([*map(line, WHOLE), *DAMAGES.values(), *ODD.values(), line(LAST)]))
    with pytest.warns(RunLogWarning, match=f"{len(DAMAGES)} damaged or unknown lines are left out"):
        DRAWERS[drawer](path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_log_is_continued(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(HEADER + line(FIRST) + DAMAGES[damage] + line(LAST))
    log = RunLog(path)
    log.write(**number(20))
    assert path.read_bytes() == HEADER + line(FIRST) + DAMAGES[damage] + line(LAST) + line(number(20))
    assert log.last_step("a") == 20


@pytest.mark.parametrize("start", [b"", b"\x00" * 512 + b"\n", HEADER[20:], HEADER.replace(b"run-log", b"run-lug")])
def test_a_log_without_its_header_is_read_and_continued(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(start + line(FIRST) + line(LAST))
    with pytest.warns(RunLogWarning) as told:
        assert read(path) == [FIRST, LAST]
    assert "has no whole header; its records are taken for those of schema 1" in str(told[0].message)
    RunLog(path).write(**number(20))
    assert path.read_bytes() == start + line(FIRST) + line(LAST) + line(number(20))


def test_records_in_one_line_with_damage_are_kept(tmp_path: Path) -> None:
    """The end of a line is one byte: with it, or with what follows a kill, the next record must not go."""
    path = tmp_path / "run.jsonl"
    torn = line(FIRST)[:-1] + b"\x00" + line(LAST)[:30] + line(number(3))[:-1] + b"x" + line(number(4))
    path.write_bytes(HEADER + torn + line(LAST))
    with pytest.warns(RunLogWarning, match="line 2 is no JSON object, but what is whole in it is kept"):
        assert [record["step"] for record in read(path)] == [0, 3, 4, 9]


def test_what_is_lost_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    gauge = line({"kind": "gauge"})
    path.write_bytes(HEADER + b"x\nx\n" + line(FIRST) + b"x\n" + gauge * 3 + b"".join([b"y\n", line(LAST)] * 50))
    with pytest.warns(RunLogWarning) as told:
        assert len(read(path)) == 51
    said = str(told[0].message).partition(": ")[2]
    assert said == (
        "56 damaged or unknown lines are left out: lines 2 to 3 are no JSON object; line 5 is no JSON object; "
        "lines 6 to 8 are of unknown kind 'gauge'; line 9 is no JSON object; line 11 is no JSON object; "
        "and 48 more places"
    )


def test_records_given_as_a_list_are_checked_as_those_of_a_file() -> None:
    given_ = [FIRST, {"kind": "number", "run": "a"}, {"kind": []}, LAST]
    with pytest.warns(RunLogWarning, match="2 of 4 records are left out, the first is a number that needs a finite"):
        figure = training_curves(given_)
    assert list(figure.axes[0].lines[0].get_xdata()) == [0, 9]


def test_only_newer_schemas_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(HEADER.replace(b"1", b"2", 1) + line(FIRST))
    for reader in (read, RunLog, *DRAWERS.values()):
        with pytest.raises(InputError, match="has schema 2, this diffspec reads 1; use the version that wrote it"):
            reader(path)


def tried(path: Path) -> tuple[list[dict[str, Any]], str]:
    """What was read, or the words of the refusal."""
    try:
        return read(path), ""
    except InputError as error:
        return [], str(error)


UNKNOWN = b'{"kind": "of a later version", "run": "a"}'


@pytest.mark.parametrize("end", [b"\x00", b"\x00" * 512, b'{"kind": "num', b" ", b"\n" + UNKNOWN])
def test_what_is_read_of_a_damaged_last_line_stays_when_the_log_goes_on(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes((HEADER + line(number(1)) + line(number(2))).removesuffix(b"\n") + end)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunLogWarning)
        RunLog(path).write(**number(3))
        assert read(path) == [number(1), number(2), number(3)]
    assert (UNKNOWN in path.read_bytes()) == (UNKNOWN in end)


SPAN = st.tuples(st.integers(0, 3000), st.integers(0, 60), st.binary(max_size=40))


@settings(max_examples=seeds(300), deadline=None)
@example([(1632, 1, b"\x00")])  # the end of the last line, which was then taken for one that was never finished
@given(st.lists(SPAN, min_size=1, max_size=4))
def test_damage_anywhere_costs_only_the_records_that_it_touches(spans: list[tuple[int, int, bytes]]) -> None:
    """Spans of the file are replaced by other bytes: flips, cuts, insertions. Records outside of them are read."""
    records = [number(step) if step % 3 else {**SPECTRUM, "step": step} for step in range(12)]
    lines = [HEADER, *map(line, records)]
    whole = b"".join(lines)
    by_start = sorted({start % len(whole): (size, put) for start, size, put in spans}.items())
    damaged, touched, following = whole, set(), len(whole)
    for start, (longest, put) in reversed(by_start):
        size, following = min(longest, following - start), start  # spans do not overlap
        damaged = damaged[:start] + put + damaged[start + size :]
        touched |= set(range(start, start + size)) | {start - 0.5}
    kept, place = [], len(HEADER)
    for record, text_ in zip(records, lines[1:], strict=True):
        inside = [byte for byte in touched if place <= byte < place + len(text_) - 1]
        kept += [] if inside else [record]
        place += len(text_)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", RunLogWarning)
        path = Path(folder) / "run.jsonl"
        path.write_bytes(damaged)
        found, refusal = tried(path)
        if refusal:  # the schema itself may have become another number
            assert not kept or ("has schema" in refusal and damaged[:40] != whole[:40])
            return
        assert [record for record in found if record in kept] == kept
        RunLog(path).write(**number(99))
        assert read(path) == [*found, number(99)]


@settings(max_examples=seeds(300), deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_read_or_refused_in_words(content: bytes, headed: bool) -> None:
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", RunLogWarning)
        path = Path(folder) / "run.jsonl"
        path.write_bytes(HEADER * headed + content)
        _found, refusal = tried(path)
        assert not refusal or ("is no run log" in refusal and not headed)

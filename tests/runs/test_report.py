"""The report in a real browser: it renders, asks the network for nothing, and shows what the log holds."""

import itertools
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from diffspec import InputError, MissingExtraError
from diffspec.runs.log import RunLog, read
from diffspec.runs.report import write
from digits_log import LAYER, RUNS, write_log

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not CHROMIUM or not DRIVER:
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    yield driver
    driver.quit()


def opened(browser, page):
    """The page in the browser, with what its console said and what it asked the network for."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get_log("performance")
    browser.get(page.as_uri())
    drawn = "return [...document.querySelectorAll('.chart')].every(plot => plot.querySelector('.main-svg'))"
    WebDriverWait(browser, 30).until(lambda driver: driver.execute_script(drawn))
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return browser.get_log("browser"), [url for url in asked if url.startswith(("http", "ws", "ftp"))]


def test_it_renders_offline_without_errors(browser, log, tmp_path):
    page = write(log, tmp_path / "report.html")
    console, asked = opened(browser, page)
    assert [entry for entry in console if entry["level"] == "SEVERE"] == []
    assert asked == []
    traces = browser.execute_script("return [...document.querySelectorAll('.js-plotly-plot')].map(p => p.data.length)")
    # Three measures by two rules against the epoch and against accuracy, the distance, accuracy, spectra, pictures.
    assert len(traces) >= 12 + 2 + 2 + len(RUNS)
    assert all(count > 0 for count in traces)


def test_curves_are_those_of_the_log(browser, log, tmp_path):
    opened(browser, write(log, tmp_path / "report.html"))
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('.js-plotly-plot')].flatMap(p => p.data).map(t => [t.name, [...t.y]])"
    )
    wanted = [
        record["value"]
        for record in read(log)
        if record.get("name") == "DSE(Z)" and record["run"] == "supervised" and record["rule"] == "neighbors"
    ]
    assert any(name == "supervised" and values == pytest.approx(wanted) for name, values in drawn if len(values) == 6)


def test_scale_is_told_apart_from_shape(browser, log, tmp_path):
    opened(browser, write(log, tmp_path / "report.html"))
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('.grid.change figure')].map(f => [f.dataset.only, "
        "f.querySelector('.chart').data.map(t => [t.name, [...t.y]])])"
    )
    assert [run for run, _traces in drawn] == list(RUNS)
    for run, traces in drawn:
        parts = dict(traces)
        assert list(parts) == ["by scale", "by shape", "both"]
        entropy = [
            r["value"]
            for r in read(log)
            if (r.get("run"), r.get("name"), r.get("rule")) == (run, "DSE(Z)", "sigma = 10")
        ]
        assert parts["both"] == pytest.approx([value - entropy[0] for value in entropy[1:]], abs=1e-9)
        assert np.add(parts["by scale"], parts["by shape"]) == pytest.approx(parts["both"])
    assert browser.execute_script("return document.querySelectorAll('.grid.change .legend').length") == len(RUNS)
    assert "DSE(Z) change by shape" in browser.page_source


def test_changes_since_different_steps_are_no_one_curve(browser, tmp_path):
    log = RunLog(tmp_path / "run.jsonl")
    where = {"run": "a", "layer": "z", "rule": "sigma = 10", "unit": "bit", "n": 9}
    for since, steps in ((0, (1, 2, 3)), (4, (5, 6))):
        for step, name in itertools.product(steps, ("DSE(Z) change by scale", "DSE(Z) change by shape")):
            log.write("number", **where, step=step, name=name, value=step - since, settings={"since": since})
    opened(browser, write(log.path, tmp_path / "report.html"))
    (drawn,) = browser.execute_script(
        "return [...document.querySelectorAll('.grid.change figure')].map(f => [f.querySelector('.aside').textContent, "
        "f.querySelector('.chart').data.map(t => [[...t.x], [...t.y]]), f.querySelectorAll('.js-line').length])"
    )
    assert "since epochs 0 and 4, each in a curve of its own" in drawn[0]
    first, second = ([[[1, 2, 3], [k, 2 * k, 3 * k]], [[5, 6], [k, 2 * k]]] for k in (1, 2))
    assert drawn[1] == [first[0], first[0], second[0], first[1], first[1], second[1]]


def test_several_logs_make_one_report(log, tmp_path):
    other = RunLog(tmp_path / "other.jsonl")
    for run in ("a fourth", RUNS[0]):
        other.write("number", run=run, step=0, layer=LAYER, name="DSE(Z)", rule="sigma = 10", value=1.0, unit="bit")
    text = write([log, other.path], tmp_path / "report.html").read_text()
    for run in (*RUNS, "a fourth", f"{RUNS[0]} (other.jsonl)"):
        assert f'data-run="{run}"' in text


def test_a_long_log_gives_a_light_page(browser, tmp_path):
    """Per value less than 80 bytes and no second pass over all records: a hundred thousand stay under 15 MB."""
    log = RunLog(tmp_path / "run.jsonl")
    header = log.path.read_bytes()
    settings = {"kernel": "AlphaDecay()", "sigma": 1.2345678901234567, "alpha": 1.0, "t": 3.0, "solver": "Exact()"}
    where = {"kind": "number", "layer": "z", "rule": "sigma = 10", "unit": "bit", "stderr": 0.123456789, "n": 800}
    records = [
        {**where, "run": run, "step": step, "name": name, "value": step / 7, "ceiling": 9.6, "settings": settings}
        for step, run, name in itertools.product(range(800), RUNS, ("DSE(Z)", "DSMI(Z;Y)", "DSMI(Z;X)"))
    ]
    records[0]["verdict"] = "saturated: says nothing"
    log.path.write_bytes(header + b"".join(json.dumps(record).encode() + b"\n" for record in records))
    page = write(log.path, tmp_path / "report.html")
    empty = len(get_plotlyjs().encode()) + 30_000
    assert (page.stat().st_size - empty) / len(records) < 80
    console, _ = opened(browser, page)
    assert [entry for entry in console if entry["level"] == "SEVERE"] == []


def test_hiding_a_condition_hides_it_everywhere(browser, log, tmp_path):
    from selenium.webdriver.common.by import By

    opened(browser, write(log, tmp_path / "report.html"))
    seen = (
        "return [...document.querySelectorAll('.js-plotly-plot')].flatMap(p => p.data)"
        ".filter(t => t.name === 'supervised' && t.visible !== false && t.visible !== 'legendonly').length"
    )
    assert browser.execute_script(seen) > 0
    button = next(b for b in browser.find_elements(By.TAG_NAME, "button") if "supervised" in b.text)
    button.click()
    assert browser.execute_script(seen) == 0
    shown = "return [...document.querySelectorAll('.grid.change figure')].filter(f => !f.hidden).length"
    assert browser.execute_script(shown) == len(RUNS) - 1


def test_text_of_the_log_is_harmless(browser, tmp_path):
    log = RunLog(tmp_path / "run.jsonl")
    evil = "<script>document.title='owned'</script>"
    where = {"run": evil, "step": 0, "layer": evil, "rule": "median"}
    log.write("number", **where, name="DSE(Z)", value=1.0, unit="bit", stderr=None, n=9, verdict=evil)
    log.write("failure", run=evil, step=0, layer=evil, name="DSE(Z)", error=evil)
    log.write("settings", run=evil, values={evil: evil})
    console, _ = opened(browser, write(log.path, tmp_path / "report.html"))
    assert [entry for entry in console if entry["level"] == "SEVERE"] == []
    assert browser.title != "owned"
    assert "owned" in browser.find_element("tag name", "body").text


def test_a_log_of_one_number_gives_a_report(tmp_path):
    log = RunLog(tmp_path / "run.jsonl")
    log.write("number", run="a", step=0, layer="z", name="DSE(Z)", rule="median", value=1.0, unit="bit", n=9)
    text = write(log.path, tmp_path / "new" / "report.html").read_text()
    assert "DSE(Z)" in text
    assert len(re.findall(r"<script", text)) >= 1
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", text)


def test_it_says_what_was_used(log, tmp_path):
    text = write(log, tmp_path / "report.html").read_text()
    for wanted in (*RUNS, LAYER, "optimizer", "alpha", "median distance", "sigma = 10"):
        assert wanted.lower() in text.lower()
    assert (tmp_path / "report.html").stat().st_size < 7e6


def test_an_older_report_is_kept_when_the_log_is_bad(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("older")
    (tmp_path / "none.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="is no run log"):
        write(tmp_path / "none.jsonl", page)
    assert page.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["none.jsonl", "report.html"]


def test_clear_errors(log, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"nothing has been measured yet in .*; observe at least one step"):
        write(RunLog(tmp_path / "empty.jsonl").path, tmp_path / "report.html")
    with pytest.raises(InputError, match="output must be a file, got the folder"):
        write(log, tmp_path)
    with pytest.raises(InputError, match="no run log at"):
        write(Path("missing.jsonl"), tmp_path / "report.html")
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"the report needs packages .* pip install 'diffspec\[report\]'"):
        write(log, tmp_path / "report.html")

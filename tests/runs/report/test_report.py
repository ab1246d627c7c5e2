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
from effort import crossed

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
    driver.page = tmp_path_factory.mktemp("shown") / "report.html"
    yield driver
    driver.quit()


def waited(browser, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60, poll_frequency=0.05).until(lambda driver: driver.execute_script(f"return {condition}"))


DRAWN = "[...document.querySelectorAll('.chart')].every(plot => plot.querySelector('.main-svg'))"


def opened(browser, page, *, everything=True):
    """The page in the browser, with what its console said and what it asked the network for."""
    # Chromium keeps a script compiled that stands at one address in one line: .7 s a page in place of 3.
    before, library, after = page.read_text(encoding="utf-8").partition(f"<script>{get_plotlyjs()[:200]}")
    blank = "\n" * (2000 - before.count("\n"))
    browser.page.write_text(f"{before}{blank}{library}{after}", encoding="utf-8")
    browser.get_log("performance")
    browser.get(browser.page.as_uri())
    waited(browser, "document.querySelector('.main-svg') !== null")
    if everything:  # as before it is printed: nothing folded, all charts drawn
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        waited(browser, DRAWN)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return browser.get_log("browser"), [url for url in asked if url.startswith(("http", "ws", "ftp"))]


def test_it_renders_offline_without_errors(browser, log, tmp_path):
    page = write(log, tmp_path / "report.html")
    console, asked = opened(browser, page)
    assert console == []
    assert asked == []
    traces = browser.execute_script("return [...document.querySelectorAll('.js-plotly-plot')].map(p => p.data.length)")
    # The opening pictures; three measures by two rules against the step and against accuracy; two information planes,
    # the distance, accuracy, spectra, and per run pictures and changes.
    assert len(traces) == 2 + 12 + 2 + 2 + 2 + 2 * len(RUNS)
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
    assert "since step 0 and 4, each in a curve of its own" in drawn[0]
    first, second = ([[[1, 2, 3], [k, 2 * k, 3 * k]], [[5, 6], [k, 2 * k]]] for k in (1, 2))
    assert drawn[1] == [first[0], first[0], second[0], first[1], first[1], second[1]]


def lines(browser, selector):
    """The curves of the first chart that `selector` finds: name, panel, x and y."""
    return browser.execute_script(
        "const t = document.querySelector(arguments[0]).data.filter(t => t.mode !== undefined && t.name);"
        "return t.map(t => [t.name, t.xaxis, [...t.x], [...t.y]])",
        selector,
    )


def number(**fields):
    usual = {"run": "a", "step": 0, "layer": "z", "name": "DSE(Z)", "rule": "neighbors", "value": 1.0, "unit": "bit"}
    return {"kind": "number", "n": 9, **usual, **fields}


def written(path, records):
    log = RunLog(path)
    path.write_bytes(path.read_bytes() + b"".join(json.dumps(record).encode() + b"\n" for record in records))
    return log.path


def test_one_chart_per_measure_has_the_layers_as_lines(browser, tmp_path):
    records = [
        number(step=step, layer=f"conv{k}", name=name, value=step + k, ceiling=9.0)
        for step, k, name in itertools.product(range(3), range(7), ("DSE(Z)", "DSMI(Z;Y)", "mine"))
    ]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"))
    assert browser.execute_script("return document.querySelectorAll('.grid.measures figure').length") == 3
    found = lines(browser, ".grid.measures .chart")
    assert found == [[f"conv{k}", "x", [0, 1, 2], [k, k + 1, k + 2]] for k in range(7)]
    assert len(set(browser.execute_script("return document.querySelector('.chart').data.map(t => t.line.color)"))) == 7


def test_runs_stand_side_by_side_where_there_are_several_layers(browser, tmp_path):
    for run in "ab":
        records = [number(run=run, step=s, layer=f"conv{k}", value=s + k) for s in range(3) for k in range(2)]
        written(tmp_path / f"{run}.jsonl", records)
    opened(browser, write([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], tmp_path / "report.html"))
    found = [line[:2] for line in lines(browser, ".grid.measures .chart")]
    assert sorted(found) == [["conv0", "x"], ["conv0", "x2"], ["conv1", "x"], ["conv1", "x2"]]
    titles = "return document.querySelector('.chart').layout.annotations.map(t => t.text)"
    assert browser.execute_script(titles) == ["a", "b"]


def test_of_many_runs_one_layer_is_drawn(browser, tmp_path):
    records = [number(run=f"r{r}", step=s, layer=f"conv{k}") for r in range(12) for s in range(2) for k in range(2)]
    records += [number(run="r12", step=s, layer="conv1") for s in range(2)]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"), everything=False)
    assert [line[:2] for line in lines(browser, ".open .chart")] == [[f"r{r}", "x"] for r in range(13)]
    assert "layer conv1 of 2" in browser.find_element("css selector", ".open figcaption").text


def test_many_layers_make_a_map(browser, tmp_path):
    records = [number(step=s, layer=f"stage.{k}.conv", value=float(s * k)) for s in range(50) for k in range(20)]
    records[0]["verdict"] = "saturated: says nothing"
    page = write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html", axis="epoch")
    opened(browser, page, everything=False)
    (kind, z, rows, axis, marks) = browser.execute_script(
        "const { data, layout } = document.querySelector('.open .chart'); const [map, marks] = data;"
        "return [map.type, map.z, map.y, layout.xaxis.title.text, marks.x.length]"
    )
    assert (kind, axis, marks) == ("heatmap", "epoch", 1)
    assert rows == [f"stage.{k}.conv" for k in range(20)]
    assert z == [[s * k for s in range(50)] for k in range(20)]
    assert page.stat().st_size < 6e6


def test_seeds_are_drawn_as_their_mean_and_range(browser, tmp_path):
    values = {"one, seed 0": (1.0, 2.0), "one, seed 1": (3.0, 6.0), "two": (5.0, 5.0)}
    records = [number(run=run, step=step, value=value) for run, own in values.items() for step, value in enumerate(own)]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"))
    assert lines(browser, ".grid.measures .chart") == [["one", "x", [0, 1], [2, 4]], ["two", "x", [0, 1], [5, 5]]]
    band = "return [...document.querySelector('.grid.measures .chart').data[0].y]"
    assert browser.execute_script(band) == [3, 6, 2, 1]
    assert browser.execute_script("return [...document.querySelectorAll('[data-run]')].map(b => b.dataset.run)") == [
        "one",
        "two",
    ]


def test_axes_are_tight_and_shares_have_their_ceiling(browser, tmp_path):
    records = [number(step=s, value=7.4 - 0.1 * s, ceiling=9.0) for s in range(3)]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"))
    axis = "const l = document.querySelector('.open .chart').layout; return [l.yaxis.range, l.shapes.map(s => s.y0)]"
    (low, high), ceilings = browser.execute_script(axis)
    assert 7.0 < low < 7.2 < 7.4 < high < 7.6
    assert ceilings == []
    assert "at most log2 n = 9" in browser.find_element("css selector", ".open figcaption").text
    records[0]["value"] = 8.9
    opened(browser, write(written(tmp_path / "near.jsonl", records), tmp_path / "report.html"))
    (low, high), ceilings = browser.execute_script(axis)
    assert ceilings == [9]
    assert high > 9
    browser.find_element("css selector", "[data-share]").click()
    waited(browser, "document.querySelector('.open .chart').layout.shapes[0].y0 === 1")
    assert lines(browser, ".open .chart")[0][3] == pytest.approx([8.9 / 9, 7.3 / 9, 7.2 / 9])


def test_the_plane_has_both_informations_of_every_look(browser, tmp_path):
    records = [
        number(step=s, name=name, value=s + k) for s in range(3) for k, name in enumerate(("DSMI(Z;X)", "DSMI(Z;Y)"))
    ]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"))
    assert lines(browser, ".grid.plane .chart") == [["z", "x", [0, 1, 2], [1, 2, 3]]]


@pytest.mark.parametrize("inside", [True, False])
def test_a_map_over_the_diffusion_times(browser, tmp_path, inside):
    at = {1: 6.0, 10: 4.0, 100: 1.0}
    records = [number(step=s, times={str(t): v - s for t, v in at.items()}) for s in range(2)]
    if not inside:  # as the recipes call them
        records = [
            number(),
            *(number(step=s, name=f"DSE(Z) t={t}", value=v - s) for s in range(2) for t, v in at.items()),
        ]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"))
    found = browser.execute_script(
        "const [map] = document.querySelector('.grid.times .chart').data; return [map.y, map.z]"
    )
    assert found == [["t = 1", "t = 10", "t = 100"], [[6, 5], [4, 3], [1, 0]]]
    assert browser.execute_script("return document.querySelectorAll('.grid.measures figure').length") == 1
    bar = "return document.querySelector('.grid.times .chart').layout.coloraxis.colorbar"
    assert browser.execute_script(f"{bar}.ticktext") == ["1", "8", "64"]


def test_a_bar_of_colours_has_numbers_however_near_they_are(browser, tmp_path):
    records = [
        number(),
        *(number(step=s, name=f"DSE(Z) t={t}", value=0.1 + s / 100) for s in range(2) for t in (1, 10)),
    ]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"))
    bar = "return document.querySelector('.grid.times .chart').layout.coloraxis.colorbar"
    assert browser.execute_script(f"{bar}.ticktext") == ["1.07", "1.08"]


@pytest.mark.parametrize(("last", "dtick"), [(2, 1), (60, None)])
def test_few_steps_are_ticked_one_by_one(browser, tmp_path, last, dtick):
    records = [number(step=step) for step in (0, 1, last)]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"))
    axis = "return document.querySelector('.open .chart').layout.xaxis"
    assert browser.execute_script(f"{axis}.dtick ?? null") == dtick


def test_pictures_are_first_log_spaced_and_last_with_a_legend(browser, tmp_path):
    picture = {"kind": "picture", "run": "a", "layer": "z", "method": "PCA", "x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 0.0]}
    records = [picture | {"step": step, "classes": ["cat", "dog", "cat"]} for step in range(0, 5001, 500)]
    records.append(number())
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"))
    titles = "return document.querySelector('.grid.picture .chart').layout.annotations.map(t => t.text)"
    assert browser.execute_script(titles) == ["step 0", "step 500", "step 1000", "step 2500", "step 5000"]
    chips = "return [...document.querySelectorAll('.legend li')].map(li => li.textContent)"
    assert browser.execute_script(chips) == ["●cat", "●dog"]
    colours = browser.execute_script("return document.querySelector('.grid.picture .chart').data[0].marker.color")
    assert colours[0] == colours[2] != colours[1]


def test_spectra_over_time_have_ticks_and_a_legend(browser, tmp_path):
    spectrum = {"kind": "spectrum", "run": "a", "layer": "z", "rule": "neighbors"}
    records = [spectrum | {"step": s, "values": [1.0, 0.9, 0.5 + s / 30]} for s in range(10)]
    opened(browser, write(written(tmp_path / "run.jsonl", [*records, number()]), tmp_path / "report.html"))
    names = [line[0] for line in lines(browser, ".grid.spectrum .chart")]
    assert (names[0], names[-1], len(names)) == ("step 0", "step 9", 6)
    ticks = "return document.querySelectorAll('.grid.spectrum .chart .ytick').length"
    assert browser.execute_script(ticks) >= 2


def test_charts_are_drawn_when_they_come_into_view(browser, log, tmp_path):
    opened(browser, write(log, tmp_path / "report.html"), everything=False)
    count = "return document.querySelectorAll('.main-svg').length"
    assert browser.execute_script(count) < browser.execute_script("return document.querySelectorAll('figure').length")
    last = "[...document.querySelectorAll('.grid.change .chart')].at(-1)"
    assert browser.execute_script(f"return {last}.querySelector('.main-svg') === null")
    browser.execute_script(f"{last}.scrollIntoView()")
    waited(browser, f"{last}.querySelector('.main-svg') !== null")


@pytest.fixture
def emulated(browser):
    """Sets width and colour scheme of the page."""

    def emulate(width, scheme):
        size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    yield emulate
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize(("width", "scheme"), crossed([1280, 390], ["light", "dark"]))
def test_it_fits_its_window_and_can_be_read(browser, log, tmp_path, emulated, width, scheme):
    emulated(width, scheme)
    console, _ = opened(browser, write(log, tmp_path / "report.html"))
    assert console == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    seen = browser.execute_script(
        "const of = (node) => getComputedStyle(node); const text = document.querySelector('.open .chart text');"
        "return [of(document.body).backgroundColor, of(document.body).color, of(text).fill,"
        "document.querySelector('.open .chart').data.map(t => t.line.color)]"
    )
    ground, ink, ticks, curves = seen
    for colour in (ink, ticks, *curves):
        assert contrast(colour, ground) > 2.9, (colour, ground)
    overlaps = browser.execute_script(
        "const figures = [...document.querySelectorAll('figure')].filter(f => !f.hidden);"
        "const boxes = figures.map(f => f.getBoundingClientRect());"
        "return boxes.filter((a, k) => boxes.some((b, m) => m !== k && a.left < b.right - 1 && b.left < a.right - 1"
        " && a.top < b.bottom - 1 && b.top < a.bottom - 1)).length"
    )
    assert overlaps == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_screen_of_many_layers_has_a_picture_and_says_what_happened(browser, tmp_path, emulated, width):
    emulated(width, "light")
    records = [
        number(step=s, layer=f"stage.{k}", name=name, value=float(1 + s * k))
        for name in ("DSE(Z)", "DSMI(Z;Y)")
        for s in range(50)
        for k in range(20)
    ]
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"), everything=False)
    ends = browser.execute_script(
        "return ['.open .chart', '.findings li'].map(at => document.querySelector(at).getBoundingClientRect().bottom)"
    )
    assert max(ends) < 844
    assert browser.find_element("css selector", ".findings li").text.startswith("stage.19 tells the most of the labels")


def contrast(one, other):
    """The ratio of WCAG 2."""
    lights = sorted(map(light, (one, other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def light(colour):
    hexed = re.fullmatch(r"#(..)(..)(..)", colour)
    parts = [int(p, 16) for p in hexed.groups()] if hexed else [int(p) for p in re.findall(r"\d+", colour)[:3]]
    linear = [p / 255 / 12.92 if p <= 10 else ((p / 255 + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_folds_and_buttons_are_reached_and_opened_by_the_keyboard(browser, log, tmp_path):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    opened(browser, write(log, tmp_path / "report.html"), everything=False)
    reached = set()
    for _ in range(60):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        tag, text = browser.execute_script(
            "const at = document.activeElement; return [at.tagName.toLowerCase(), (at.innerText || '').split('\\n')[0]]"
        )
        reached.add((tag, text))
        if tag == "summary" and text.startswith("Against accuracy"):
            browser.switch_to.active_element.send_keys(Keys.ENTER)
    folds = [s.text for s in browser.find_elements("tag name", "summary") if s.is_displayed()]
    assert {("summary", fold.split("\n")[0]) for fold in folds if fold} <= reached
    assert {("button", f"●{RUNS[0]}"), ("button", f"■{RUNS[1]}")} <= {
        (tag, text.replace(" ", "", 1) if text[:1] in "●■★" else text) for tag, text in reached
    }
    waited(browser, "document.querySelector('details .grid.accuracy .main-svg') !== null")


def test_what_failed_is_told_first_and_a_link_unfolds_it(browser, tmp_path):
    records = [number(step=s) for s in range(3)]
    records.append(
        {"kind": "failure", "run": "a", "step": 2, "layer": "z", "name": "DSMI(Z;Y)", "error": "NaN in layer z"}
    )
    opened(browser, write(written(tmp_path / "run.jsonl", records), tmp_path / "report.html"), everything=False)
    first = browser.find_element("css selector", ".findings li")
    assert "1 measurement of a failed" in first.text
    assert "NaN in layer z" in first.text
    assert not browser.execute_script("return document.getElementById('failures').open")
    first.find_element("tag name", "a").click()
    waited(browser, "document.getElementById('failures').open")


def test_the_number_to_draw_against_is_found_or_named(tmp_path):
    records = [number(step=s) for s in range(3)]
    records += [
        {"kind": "scalar", "run": "a", "step": s, "name": name, "value": s / 3}
        for s, name in itertools.product(range(3), ("train_acc", "val_acc", "loss"))
    ]
    path = written(tmp_path / "run.jsonl", records)
    assert "Against val acc" in write(path, tmp_path / "report.html").read_text()
    assert "Against loss" in write(path, tmp_path / "report.html", against="loss").read_text()
    with pytest.raises(InputError, match=r"against must be a number that was passed .* \('train_acc', .*\), got 'f1'"):
        write(path, tmp_path / "report.html", against="f1")


def test_a_step_is_called_what_the_user_calls_it(tmp_path):
    records = [{"kind": "settings", "run": "a", "values": {}, "axis": "epoch"}, *(number(step=s) for s in range(3))]
    path = written(tmp_path / "run.jsonl", records)
    assert "3 looks, epoch 0 to 2" in write(path, tmp_path / "report.html").read_text()
    assert "3 looks, batch 0 to 2" in write(path, tmp_path / "report.html", axis="batch").read_text()


def test_several_logs_make_one_report(log, tmp_path):
    other = RunLog(tmp_path / "other.jsonl")
    for run in ("a fourth", RUNS[0]):
        other.write("number", run=run, step=0, layer=LAYER, name="DSE(Z)", rule="sigma = 10", value=1.0, unit="bit")
    text = write([log, other.path], tmp_path / "report.html").read_text()
    for run in (*RUNS, "a fourth", f"{RUNS[0]} (other.jsonl)"):
        assert f'data-run="{run}"' in text


def test_a_long_log_gives_a_light_page(browser, tmp_path):
    """Of long curves as many values as a chart has room for: the page hardly grows with the log."""
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
    assert page.stat().st_size - len(get_plotlyjs().encode()) < 800_000  # 7,200 records have 3 MB
    console, _ = opened(browser, page)
    assert console == []
    drawn = browser.execute_script("return document.querySelector('.grid.measures .chart').data.map(t => [...t.y])")
    assert [[min(y), max(y)] for y in drawn] == [[0.0, pytest.approx(799 / 7, rel=1e-5)]] * len(RUNS)
    assert all(350 < len(y) <= 400 for y in drawn)
    assert "the lowest and highest of every stretch" in page.read_text()


def test_hiding_a_condition_hides_it_everywhere(browser, log, tmp_path):
    from selenium.webdriver.common.by import By

    opened(browser, write(log, tmp_path / "report.html"))
    seen = (
        "return [...document.querySelectorAll('.js-plotly-plot')].filter(p => p.offsetParent).flatMap(p => p.data)"
        ".filter(t => t.meta === 'supervised').length"
    )
    assert browser.execute_script(seen) > 0
    button = next(b for b in browser.find_elements(By.TAG_NAME, "button") if "supervised" in b.text)
    button.click()
    waited(browser, f"(() => {{ {seen} }})() === 0")
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
    assert console == []
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


def test_settings_that_hold_nothing_are_not_told(tmp_path):
    record = number(settings={"method": "", "alpha": 0.5, "floor": None})
    page = write(written(tmp_path / "run.jsonl", [record]), tmp_path / "report.html").read_text(encoding="utf-8")
    assert "alpha = 0.5" in page
    assert "method =" not in page


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


def test_on_paper_the_runs_are_named_and_tables_are_whole(browser, log, tmp_path):
    opened(browser, write(log, tmp_path / "report.html"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 620, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        browser.find_element("css selector", "button[data-run]").click()
        named = "return [...document.querySelectorAll('.bar button')].filter(b => b.offsetWidth).map(b => b.innerText)"
        assert [name[1:].strip() for name in browser.execute_script(named)] == list(RUNS)[1:]
        cut = "return [...document.querySelectorAll('.scroll')].map(part => part.scrollWidth - part.clientWidth)"
        found = browser.execute_script(cut)
        assert found
        assert max(found) <= 0
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

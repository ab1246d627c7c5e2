"""`python -m benchmarks.report`: the report of 100,000 records: seconds to write, its size, seconds until usable.

Three runs of ten layers with the values of the standard measures, which walk at random, accuracies and some spectra. A
page is usable once its first charts are drawn (Chromium and its driver, without a window; left out where they are not).
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from diffspec.runs.log import RunLog, read
from diffspec.runs.report import write

RUNS, LAYERS = ("true labels", "contrastive", "wrong labels"), 10
NAMES = {"DSE": 10.0, "DSMI(Z;Y)": 3.3219, "adjusted DSMI(Z;Y)": 3.3219}
RULES = ("sigma = 10", "neighbors")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900")


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="about how many (default 100000)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, the median counts (default 3)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log, page = Path(folder, "run.jsonl"), Path(folder, "report.html")
        fill(log, asked.records)
        seconds, cpu = zip(*(timed(log, page) for _ in range(asked.rounds)), strict=True)
        print(
            f"{len(read(log))} records: {statistics.median(seconds):.2f} s, {statistics.median(cpu):.2f} s of the "
            f"processor, {page.stat().st_size / 1e6:.2f} MB"
        )
        if shutil.which("chromium") and shutil.which("chromedriver"):
            shown = [usable(page, Path(folder, f"profile-{k}")) for k in range(asked.rounds)]
            print(f"usable after {statistics.median(shown):.2f} s ({', '.join(f'{s:.2f}' for s in shown)})")


def fill(path, records):
    """A log of about so many records."""
    rng, log = np.random.default_rng(0), RunLog(path)
    each = LAYERS * len(NAMES) * len(RULES) + 2
    steps = round(records / (len(RUNS) * each))
    spectra = set(np.linspace(0, steps - 1, 10).astype(int).tolist())
    for run in RUNS:
        log.write("settings", run=run, values={"n": 1000})
        walks = np.cumsum(rng.normal(0.0, 0.02, size=(steps, LAYERS, len(NAMES), len(RULES))), axis=0)
        for step in range(steps):
            log.write("scalar", run=run, step=step, name="accuracy", value=1.0 - 0.9 / (1 + step / 20))
            log.write("scalar", run=run, step=step, name="loss", value=2.3 / (1 + step / 20))
            for layer in range(LAYERS):
                where = {"run": run, "step": step, "layer": f"blocks.{layer}"}
                for i, (name, ceiling) in enumerate(NAMES.items()):
                    for j, rule in enumerate(RULES):
                        value = float(np.clip(ceiling / 2 + walks[step, layer, i, j], 0.0, ceiling))
                        also = {"unit": "bit", "stderr": 0.02, "n": 1000, "ceiling": ceiling, "verdict": ""}
                        log.write("number", **where, name=name, rule=rule, value=value, **also, settings={}, seconds=0)
                if step in spectra:
                    log.write("spectrum", **where, rule=RULES[1], values=np.geomspace(1, 1e-4, 50).tolist())


def timed(log, page):
    start, cpu = time.perf_counter(), time.process_time()
    write(log, page)
    return time.perf_counter() - start, time.process_time() - cpu


def usable(page, profile):
    """Seconds from asking for the page until a chart of it is drawn and the document is complete."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
    try:
        start = time.perf_counter()
        driver.get(page.as_uri())
        drawn = "return document.readyState === 'complete' && !!document.querySelector('.main-svg')"
        WebDriverWait(driver, 60, poll_frequency=0.02).until(lambda d: d.execute_script(drawn))
        return time.perf_counter() - start
    finally:
        driver.quit()


if __name__ == "__main__":
    main()

"""Build wheel and sdist and try them as a stranger would: ``make release``. Uploads nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from release.versions import ROOT, disagreements, lowest, version

PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = ("torch", "matplotlib", "plotly", "dask", "rich", "jinja2", "pyarrow")
TRY = f"""
import importlib.util, numpy, diffspec
from diffspec.baselines import ksg
assert not [name for name in {EXTRAS!r} if importlib.util.find_spec(name)], "an extra came along"
rng = numpy.random.default_rng(0)
points, labels = rng.normal(size=(120, 5)), numpy.repeat([0, 1], 60)
points[60:] += 4
for found in (diffspec.dse(points), diffspec.dsmi(points, labels), diffspec.adjusted_dsmi(points, labels)):
    print(found)
print(diffspec.permutation_test(points, labels, 19))
print(diffspec.dse(rng.normal(size=(3000, 5))))
print(diffspec.rank({{"a": points, "b": points + rng.normal(size=points.shape)}}, labels, resamples=10))
print(ksg(points[:, :1], points[:, 1:2]))
"""


def main() -> None:
    """All steps, each with a line that says what held; the first that does not hold ends it."""
    if wrong := disagreements():
        sys.exit("\n".join(wrong))
    wheel, sdist = built()
    said(f"built {wheel.name} and {sdist.name}")
    contents(wheel, sdist)
    for python in PYTHONS:
        found = interpreter(f"python{python}")
        if found is None:
            said(f"left out Python {python}: there is none here that runs")
            continue
        tried(found, f"{wheel}", f"Python {python}, newest dependencies, no extras")
    tried(sys.executable, f"{wheel} {' '.join(lowest())}", "smallest versions of all dependencies")
    demonstrated(wheel)


def interpreter(name: str) -> str | None:
    """The path of an interpreter that runs: pyenv has the name of every version, of which it runs those chosen."""
    found = shutil.which(name)
    runs = found is not None and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
    return found if runs else None


def built() -> tuple[Path, Path]:
    """Wheel and sdist in dist/, alone there, and what twine says of them."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    run([sys.executable, "-m", "build", "--outdir", "dist", "."])
    (wheel,), (sdist,) = (ROOT / "dist").glob("*.whl"), (ROOT / "dist").glob("*.tar.gz")
    run([sys.executable, "-m", "twine", "check", "--strict", wheel, sdist])
    return wheel, sdist


def contents(wheel: Path, sdist: Path) -> None:
    """What is in both: our package, and no other licence than ours."""
    inside = zipfile.ZipFile(wheel).namelist()
    if strange := [name for name in inside if not name.startswith(("diffspec/", f"diffspec-{version()}.dist-info/"))]:
        sys.exit(f"the wheel holds what is not ours: {strange}")
    with tarfile.open(sdist) as packed:
        names = inside + packed.getnames()
    licences = sorted({Path(name).name for name in names if "licen" in Path(name).name.lower()})
    if licences != ["LICENSE"] or "diffspec/py.typed" not in inside:
        sys.exit(f"expected our LICENSE alone and diffspec/py.typed, got {licences}")
    said("the wheel holds the package and our licence alone")


def tried(python: str, wanted: str, what: str) -> None:
    """Install in a fresh environment, measure in an empty folder, and ask for the recipes, which are not there."""
    with TemporaryDirectory() as folder:
        place = environment(python, wanted.split(), Path(folder))
        run([place / "python", "-W", "ignore", "-c", TRY], cwd=folder)
        refused = run([place / "diffspec", "recipe", "intuition"], cwd=folder, fails=True)
        if refused.returncode != 2 or len(refused.stderr.strip().splitlines()) != 1:
            sys.exit(f"diffspec recipe should say in one line how to have recipes, got {refused.stderr}")
    said(f"installs and measures: {what}")


def demonstrated(wheel: Path) -> None:
    """The demo of the wheel, in its smallest size."""
    with TemporaryDirectory() as folder:
        pinned = ["--constraint", str(ROOT / "constraints.txt")]
        place = environment(sys.executable, [f"{wheel}[demo]", *pinned], Path(folder))
        run([place / "diffspec", "demo", "--smoke", "--folder", "demo"], cwd=folder)
        if not (Path(folder) / "demo" / "report.html").is_file():
            sys.exit("the demo wrote no report")
    said("diffspec demo --smoke writes its report from the wheel")


def environment(python: str, wanted: list[str], folder: Path) -> Path:
    """The folder of programs of a fresh environment that holds what is `wanted`."""
    run([python, "-m", "venv", folder / "venv"])
    place = folder / "venv" / "bin"
    run([place / "python", "-m", "pip", "install", "--quiet", *wanted])
    return place


def run(command: list[object], *, cwd: object = ROOT, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """A program without our paths; what it printed is shown where it fails unasked."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(list(map(str, command)), cwd=str(cwd), env=clean, capture_output=True, text=True, check=False)
    if done.returncode and not fails:
        sys.exit(f"{' '.join(map(str, command[:4]))} ... ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def said(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""The map of CONTRIBUTING.md is that of src/diffspec, whose rooms stay small and import one way."""

import ast
import importlib
import re
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "src" / "diffspec"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MODULES = sorted(HOUSE.rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
LOOSE = ("synthetic", "conventions")  # modules beside the folders, with a line of their own
MOST_FILES, MOST_LINES, MOST_ROWS, MOST_ARROWS = 13, 300, 15, 115
# `measures/asked`, `solvers/choice.plan`, `kernels/protocol.py`: a folder of the house and what stands in it.
PLACE = re.compile(rf"`((?:{'|'.join(path.name for path in FOLDERS[1:])})/\w+)(?:\.(\w+))?`")


def drawn(text):
    """The folders in the tree, one line each: two blanks further in is inside the one above."""
    found, above = [], []
    for line in re.search(r"```text\n(.*?)```", text, re.DOTALL)[1].splitlines():
        indent, name, sentence = re.fullmatch(r"( *)([\w()]+) +(\S.*)", line).groups()
        above = [*above[: len(indent) // 2], name]
        found.append("/".join(above).removeprefix("(ground)/"))
        assert sentence
    return found


def test_the_map_names_every_folder_and_no_other():
    folders = [path.relative_to(HOUSE).as_posix() for path in FOLDERS[1:]]
    assert sorted(drawn(TEXT)) == sorted([*folders, *LOOSE, "(ground)"])


def test_a_room_inside_another_is_seen():
    assert drawn("```text\na    x\n  b  y\n  c  z\nd    w\n```") == ["a", "a/b", "a/c", "d"]
    assert drawn("```text\n(ground)    x\n  b  y\n```") == ["(ground)", "b"]


@pytest.mark.parametrize(("place", "name"), sorted(set(PLACE.findall(TEXT))))
def test_places_that_the_text_names_are_there(place, name):
    module = importlib.import_module(f"diffspec.{place.replace('/', '.')}")
    assert name in ("", "py") or hasattr(module, name)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_no_folder_and_no_file_has_grown_too_large(folder):
    files = [path for path in folder.iterdir() if path.is_file()]
    assert len(files) <= MOST_FILES
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in files if path.suffix == ".py"}
    assert [name for name, count in lines.items() if count > MOST_LINES] == []


def test_the_order_of_imports_has_few_rows():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert len(contracts[0]["layers"]) <= MOST_ROWS


@cache
def nodes(text):
    """All nodes of the syntax of a text: it takes milliseconds, of each module three times."""
    return tuple(ast.walk(ast.parse(text)))


def circles(sources):
    """Pairs of folders that import from one another, of texts by the dotted names of their modules."""
    seen = defaultdict(set)
    for name, text in sources.items():
        here = name.rpartition(".")[0]
        for node in nodes(text):
            if isinstance(node, ast.ImportFrom) and node.module:
                found = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
                seen[here] |= {module.rpartition(".")[0] for module in found if module in sources} - {here}
    return sorted((one, other) for one in seen for other in seen[one] if one < other and one in seen[other])


def test_a_room_and_what_it_stands_in_import_one_way():
    # import-linter sees circles between neighbours, not between a room and its parent.
    named = {path.relative_to(HOUSE.parent).with_suffix("").as_posix().replace("/", "."): path for path in MODULES}
    sources = {name: path.read_text() for name, path in named.items() if path.name != "__init__.py"}
    assert [pair for pair in circles(sources) if "diffspec" not in pair] == []  # the ground and its doors apart


def test_a_circle_is_seen():
    sources = {"a.b.c": "from a.d import x", "a.d": "from a.b import c"}
    assert circles(sources) == [("a", "a.b")]
    assert circles({**sources, "a.d": ""}) == []


def arrows(sources, rooms):
    """From which folder into which other texts import, by the dotted names of modules and of folders."""

    def room(name):
        return name if name in rooms or not name else room(name.rpartition(".")[0])

    found = set()
    for name, text in sources.items():
        for node in nodes(text):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {(room(name), room(f"{node.module}.{alias.name}")) for alias in node.names}
    return {(one, other) for one, other in found if one and other and one != other}


def test_few_arrows_lead_from_room_to_room():
    ground = ("diffspec", "diffspec.machine", "diffspec.results")
    rooms = {".".join(path.relative_to(HOUSE.parent).parts) for path in FOLDERS}
    sources = {path.relative_to(HOUSE.parent).as_posix().replace("/", "."): path.read_text() for path in MODULES}
    found = {pair for pair in arrows(sources, rooms) if not set(pair) & set(ground)}
    assert len(found) <= MOST_ARROWS, sorted(found)


def test_an_arrow_is_seen():
    sources = {"a.b.c.py": "from a.d import x\nfrom a.b.e import y\nfrom os import path", "a.d.z.py": "import a.b"}
    assert arrows(sources, {"a", "a.b", "a.d"}) == {("a.b", "a.d")}


def probed(text):
    """The lines that ask a kernel what it has, in place of reading what the contract says."""
    calls = (node for node in nodes(text) if isinstance(node, ast.Call))
    asking = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("hasattr", "getattr"))
    return [call.lineno for call in asking if ast.unparse(call.args[0]).split(".")[-1].endswith("kernel")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_kernels_are_asked_by_their_contract_only(path):
    assert probed(path.read_text(encoding="utf-8")) == []


def test_a_kernel_that_is_probed_is_seen():
    assert probed("x = 1\nhasattr(self.how.kernel, 'near')\ngetattr(kernel, 'time', 1)\ngetattr(solver, 'tol')") == [
        2,
        3,
    ]


def test_what_doors_are_asked_alike_is_checked_in_one_function():
    callers = {str(module.relative_to(HOUSE)) for module in MODULES if "check_walk(" in module.read_text("utf-8")}
    assert callers == {"measures/asked.py", "solvers/choice.py"}


def test_what_a_solver_wants_stored_is_decided_in_one_file():
    asking = {str(module.relative_to(HOUSE)) for module in MODULES if ", Exact)" in module.read_text("utf-8")}
    assert asking == {"solvers/storing.py", "measures/subsets.py"}  # the latter: which sets are solved together

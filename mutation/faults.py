"""The mutants of a module: one small fault each, made on the syntax tree and spliced into the text."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
NAMED = {"min": "max", "max": "min", "any": "all", "all": "any"}
# They guard against a slip of ours or say where a warning points to: no test of a result can see them.
UNSEEN = {"strict", "stacklevel"}
# Characters of a text that is named whole, and of what stays on each side of a difference in a longer one.
LONGEST, NEAR = 60, 25


@dataclass(frozen=True)
class Mutant:
    """One fault: where it stands, what is replaced by what, and the lines by which tests are found."""

    module: str
    place: str
    line: int
    lines: range
    """Of the statement; for what runs at import (defaults, constants) of the function or module it belongs to."""
    fault: str
    """In words; with `module` and `place` what it is called in the list of survivors, which holds when lines move."""
    text: str
    """What the bytes from `start` to `stop` become."""
    start: int
    stop: int

    @property
    def key(self) -> str:
        """Its name."""
        return f"{self.module}:{self.place}: {self.fault}"

    def applied(self, source: bytes) -> bytes:
        """`source` with the fault."""
        return source[: self.start] + self.text.encode() + source[self.stop :]


def mutants_of(module: str, source: bytes) -> list[Mutant]:
    """All mutants of a module in the order of its text."""
    walk = _Walk(module, source)
    walk.statements(ast.parse(source).body, place="module", lines=None)
    return walk.found


class _Walk:
    """From statements down to expressions, knowing the function and the lines they belong to."""

    def __init__(self, module: str, source: bytes) -> None:
        self.module, self.source, self.found = module, source, []
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def statements(self, body: list[ast.stmt], *, place: str, lines: range | None) -> None:
        for statement in body:
            if not _is_text(statement):
                self._statement(statement, place, lines)

    def _statement(self, node: ast.stmt, place: str, lines: range | None) -> None:
        whole = range(node.lineno, node.end_lineno + 1)
        if isinstance(node, ast.ClassDef):
            self.statements(node.body, place=_join(place, node.name), lines=whole)
        elif isinstance(node, ast.FunctionDef):
            inner = _join(place, node.name)
            for default in filter(None, [*node.args.defaults, *node.args.kw_defaults]):
                self._expression(default, inner, whole)
            self.statements(node.body, place=inner, lines=None)
        elif not isinstance(node, ast.Import | ast.ImportFrom) and not _is_listing(node):
            self._faults_of(node, place, lines)

    def _faults_of(self, node: ast.stmt, place: str, lines: range | None) -> None:
        here = lines or (range(1, len(self.starts)) if place == "module" else range(node.lineno, _head_end(node) + 1))
        for text in _left_out(node):
            self._add(node, text, place, here)
        if isinstance(node, ast.If | ast.While) and not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            self._add(node.test, f"not ({ast.unparse(node.test)})", place, here)
        for child in _parts(node):
            if isinstance(child, ast.stmt):
                self._statement(child, place, lines)
            elif isinstance(child, ast.ExceptHandler):
                self.statements(child.body, place=place, lines=lines)
            else:
                self._expression(child, place, here)

    def _expression(self, root: ast.expr, place: str, lines: range) -> None:
        if isinstance(root, ast.JoinedStr):
            return
        for changed in _changed(root):
            self._add(root, ast.unparse(changed), place, lines)
        for child in _operands(root):
            self._expression(child, place, lines)

    def _add(self, node: ast.expr | ast.stmt, after: str, place: str, lines: range) -> None:
        start = self.starts[node.lineno - 1] + node.col_offset
        stop = self.starts[node.end_lineno - 1] + node.end_col_offset
        fault = _fault(ast.unparse(node), after)
        again = sum(other.place == place and other.fault.split(" #")[0] == fault for other in self.found)
        fault += f" #{again + 1}" if again else ""
        text = f"({after})" if isinstance(node, ast.expr) else after
        self.found.append(Mutant(self.module, place, node.lineno, lines, fault, text, start, stop))


def _parts(node: ast.stmt) -> Iterator[ast.stmt | ast.ExceptHandler | ast.expr]:
    """What a statement consists of, less what no test of a result can see: annotations, targets, texts of errors."""
    if isinstance(node, ast.Raise):
        return
    for name, value in ast.iter_fields(node):
        unseen = name in ("annotation", "target", "targets")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.withitem):
                yield child.context_expr
            elif isinstance(child, ast.stmt | ast.ExceptHandler) or (isinstance(child, ast.expr) and not unseen):
                yield child


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    """The expressions inside `node`, those of keywords and comprehensions included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.comprehension) or (isinstance(child, ast.keyword) and child.arg not in UNSEEN):
            yield from (inner for inner in ast.iter_child_nodes(child) if isinstance(inner, ast.expr))


def _changed(node: ast.expr) -> Iterator[ast.expr]:
    """`node` with one fault, in each way there is."""
    for kind, make in MAKERS.items():
        if isinstance(node, kind):
            yield from make(node)


def _compare(node: ast.Compare) -> Iterator[ast.expr]:
    for index, operator in enumerate(node.ops):
        changed = copy.deepcopy(node)
        changed.ops[index] = COMPARED[type(operator)]()
        yield changed


def _compute(node: ast.BinOp | ast.AugAssign) -> Iterator[ast.expr]:
    if type(node.op) in COMPUTED:
        yield _with(node, op=COMPUTED[type(node.op)]())


def _either(node: ast.BoolOp) -> Iterator[ast.expr]:
    yield _with(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())


def _sign(node: ast.UnaryOp) -> Iterator[ast.expr]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield node.operand


def _constant(node: ast.Constant) -> Iterator[ast.expr]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(2.0 * value or 1.0)
    elif isinstance(value, str | bytes) and value:
        yield ast.Constant(value[1:] + value[:1] if len(set(value)) > 1 else value + value[:1])


def _call(node: ast.Call) -> Iterator[ast.expr]:
    for index, keyword in enumerate(node.keywords):
        if keyword.arg not in UNSEEN:
            yield _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])
    if isinstance(node.func, ast.Name) and node.func.id in NAMED:
        yield _with(node, func=ast.Name(NAMED[node.func.id]))


def _choice(node: ast.IfExp) -> Iterator[ast.expr]:
    yield _with(node, body=node.orelse, orelse=node.body)


MAKERS = {
    ast.Compare: _compare,
    ast.BinOp: _compute,
    ast.BoolOp: _either,
    ast.UnaryOp: _sign,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.IfExp: _choice,
}


def _left_out(node: ast.stmt) -> Iterator[str]:
    """What stands in place of a whole statement."""
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Yield)):
        yield "pass"
    elif isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
        yield "return None"
    elif isinstance(node, ast.AugAssign):
        yield from map(ast.unparse, _compute(node))
    elif isinstance(node, ast.Continue | ast.Break):
        yield "break" if isinstance(node, ast.Continue) else "continue"


def _with(node: ast.AST, **fields: object) -> ast.expr:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _head_end(node: ast.stmt) -> int:
    """The last line of a statement less the statements inside it."""
    body = getattr(node, "body", None)
    return max(node.lineno, body[0].lineno - 1) if body else node.end_lineno


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_listing(node: ast.stmt) -> bool:
    """`__all__`, a name for a type, or what only a type checker reads."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    alias = isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias"
    return alias or (isinstance(target, ast.Name) and target.id == "__all__")


def _join(place: str, name: str) -> str:
    return name if place == "module" else f"{place}.{name}"


def _shared(one: str, other: str) -> int:
    """How many characters they have in common at their start."""
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _fault(before: str, after: str) -> str:
    """`before -> after` with what long texts have in common cut to a few characters."""
    if len(before) <= LONGEST:
        return f"{before} -> {after}"
    left = _shared(before, after)
    right = _shared(before[left:][::-1], after[left:][::-1])
    start, near = max(0, left - NEAR), max(0, right - NEAR)
    cut = [f"{'...' * (start > 0)}{text[start : len(text) - near]}{'...' * (near > 0)}" for text in (before, after)]
    return " -> ".join(text if len(text) <= 2 * LONGEST else f"{text[: 2 * LONGEST]}..." for text in cut)

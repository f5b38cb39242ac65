"""Every small change of a module that could change what it does: cosmic-ray's operators, and our own for tables.

Changes of annotations, docstrings and messages are left out: no test should fail for them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPERATORS = (
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "ExceptionReplacer",
    "NumberReplacer",
    "RemoveDecorator",
    "ZeroIterationForLoop",
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Sub_Mul", "Add_Mul")),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("BitOr_BitAnd", "BitAnd_BitOr", "BitOr_Sub", "BitAnd_Sub")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_Gt", "Gt_Lt")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("LtE_GtE", "GtE_LtE")),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed module: which change, in which line, within which function or class, and the whole text.

    was and now are the lines that differ, without their indentation.
    """

    number: int
    operator: str
    line: int
    within: str
    was: str
    now: str
    text: str


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a module that can be compiled, each text once."""
    text = path.read_text("utf-8")
    tree, meaning, seen, found = ast.parse(text), _meaning(text), set[str](), list[Mutant]()
    for operator, changed in (*_cosmic(text), *_tables(text)):
        try:
            now = _meaning(changed)
            compile(changed, str(path), "exec")
        except SyntaxError:
            continue
        if now == meaning or now in seen:
            continue
        seen.add(now)
        line, was, became = difference(text, changed)
        found.append(Mutant(len(found) + 1, operator, line, within(tree, line), was, became, changed))
    return found


def _cosmic(text: str) -> Iterator[tuple[str, str]]:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    for name in OPERATORS:
        operator, occurrence = get_operator(f"core/{name}")(), 0
        while (changed := mutate_code(text, operator, occurrence)) is not None:
            yield name, changed
            occurrence += 1


def _tables(text: str) -> Iterator[tuple[str, str]]:
    """Entries of displays and keyword arguments left out, members of an enumeration swapped, returns emptied."""
    tree = ast.parse(text)
    members = _members(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    start = value if key is None else key
                    yield "DropEntry", _without(text, start, value, stars=key is None)
            case ast.Tuple() | ast.List() | ast.Set() if len(node.elts) > 1:
                for item in node.elts:
                    yield "DropEntry", _without(text, item, item)
            case ast.Call():
                for keyword in node.keywords:
                    if keyword.arg is not None:
                        yield "DropKeyword", _without(text, keyword, keyword)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute in members.get(name, ()):
                others = members[name]
                other = others[(others.index(attribute) + 1) % len(others)]
                yield "SwapMember", _replaced(text, node, f"{name}.{other}")
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield "ReturnNone", _replaced(text, value, "None")
            case ast.Raise() | ast.AugAssign() | ast.Expr(value=ast.Call() | ast.Await()):
                yield "DropStatement", _replaced(text, node, "pass")
            case ast.If(test=test):
                yield "IfTrue", _replaced(text, test, "True")
                yield "IfFalse", _replaced(text, test, "False")
            case ast.IfExp(test=test):
                yield "IfTrue", _replaced(text, test, "True")
                yield "IfFalse", _replaced(text, test, "False")
            case _:
                pass


def _members(tree: ast.Module) -> dict[str, list[str]]:
    """Members of the enumerations that a module uses by name: those that it names itself, in the order of the text."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr.isupper():
            names = found.setdefault(node.value.id, [])
            if node.attr not in names:
                names.append(node.attr)
    return {name: names for name, names in found.items() if len(names) > 1}


def _span(text: str, start: ast.AST, end: ast.AST) -> tuple[int, int]:
    """Where the text of two nodes begins and ends; columns count bytes."""
    lines = text.encode().splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    first, last = start, end
    return begins[first.lineno - 1] + first.col_offset, begins[last.end_lineno - 1] + last.end_col_offset  # type: ignore[attr-defined]


def _replaced(text: str, node: ast.AST, by: str) -> str:
    begin, end = _span(text, node, node)
    raw = text.encode()
    return (raw[:begin] + by.encode() + raw[end:]).decode()


def _without(text: str, start: ast.AST, last: ast.AST, *, stars: bool = False) -> str:
    """A text without an entry and the comma behind it."""
    begin, end = _span(text, start, last)
    raw = text.encode()
    head, tail = raw[: begin - 2 if stars else begin], raw[end:]
    rest = tail.lstrip()
    if rest.startswith(b","):
        return (head + rest[1:]).decode()
    return (head.rstrip().removesuffix(b",") + tail).decode()


_GUARDS = ("frozen", "slots")
"""What keeps a dataclass from being changed: a program that changes none does not depend on them."""


class _Bare(ast.NodeTransformer):
    """Takes away what no behaviour depends on.

    Annotations, what a star would import, and which arguments are given by place or by name: mypy checks the calls.
    """

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "dataclass":
                call.keywords = [keyword for keyword in call.keywords if keyword.arg not in _GUARDS]
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return None if names == ["__all__"] else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias":
            return None
        node.annotation = ast.Name("any")
        return self.generic_visit(node)

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        plain = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        defaults = [*node.defaults, *(default for default in node.kw_defaults if default is not None)]
        node.posonlyargs, node.args, node.kwonlyargs, node.defaults, node.kw_defaults = [], plain, [], defaults, []
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _meaning(text: str) -> str:
    return ast.dump(_Bare().visit(ast.parse(text)))


def difference(text: str, changed: str) -> tuple[int, str, str]:
    """The first line that differs, and all that differ, as they were and as they are; without their indentation."""
    before, after = text.splitlines(), changed.splitlines()
    begin = _alike(before, after)
    end = _alike(before[begin:][::-1], after[begin:][::-1])
    was, now = before[begin : len(before) - end], after[begin : len(after) - end]
    return begin + 1, "\n".join(map(str.strip, was)), "\n".join(map(str.strip, now))


def _alike(before: list[str], after: list[str]) -> int:
    """How many lines are the same at the beginning."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(before), len(after)))


def within(tree: ast.Module, line: int) -> str:
    """The innermost function or class that a line is in; "" outside of all."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    around = [node for node in found if node.lineno <= line <= (node.end_lineno or 0)]
    return max(around, key=lambda node: node.lineno).name if around else ""

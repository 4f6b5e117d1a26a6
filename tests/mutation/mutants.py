"""Small wrong changes of a module, made on its syntax tree: each of them should turn some test red.

Left alone: docstrings, annotations, imports, decorators, ``__all__``, messages of exceptions, and texts that are only
read by people. The words of a table (a text of four words or more in a dict of texts) are changed one by one.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
CALCULATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
}
TWINS = {"max": "min", "min": "max", "any": "all", "all": "any", "ljust": "rjust", "rjust": "ljust"}

Members = dict[str, list[str]]
"""Short name of an enum (``P``) -> its members."""
Change = tuple[str, ast.AST | None]
"""How it reads, and what takes the place of the node; nothing: the node is left out."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One wrong change of a module."""

    line: int
    text: str
    tree: ast.Module


def mutants(source: str, members: Members) -> Iterator[Mutant]:
    """Yield every mutant of a module, from top to bottom."""
    tree = ast.parse(source)
    for path, node in _walk(tree, ()):
        for text, put in _changes(node, members):
            changed = copy.deepcopy(tree)
            _put(changed, path, copy.deepcopy(put))
            yield Mutant(line=node.lineno, text=text, tree=ast.fix_missing_locations(changed))


def enum_members(source: str) -> dict[str, list[str]]:
    """Read the enums of a module: class name, and short names given to it -> members."""
    found: Members = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
            found[node.name] = [ast.unparse(s.targets[0]) for s in node.body if isinstance(s, ast.Assign)]
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in found:
            found[ast.unparse(node.targets[0])] = found[node.value.id]
    return found


# --- where

Place = tuple[tuple[str, int | None], ...]
SKIPPED = {"annotation", "returns", "decorator_list", "bases", "type_params", "ctx"}


def _walk(node: ast.AST, path: Place) -> Iterator[tuple[Place, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if name in SKIPPED:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _is_left_alone(child):
                continue
            here = (*path, (name, index))
            if hasattr(child, "lineno"):
                yield here, child
            yield from _walk(child, here)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return True
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Error", "CommandRefused"))


def _put(tree: ast.AST, path: Place, put: ast.AST | None) -> None:
    for name, index in path[:-1]:
        tree = getattr(tree, name) if index is None else getattr(tree, name)[index]
    name, index = path[-1]
    if index is None:
        setattr(tree, name, put)
    elif put is None:
        del getattr(tree, name)[index]
    else:
        getattr(tree, name)[index] = put


# --- what


def _changes(node: ast.AST, members: Members) -> Iterator[Change]:
    if isinstance(node, ast.keyword):
        if node.arg:
            yield f"without {node.arg}=", None
        return
    for made in CHANGES.get(type(node), _none)(node, members):
        yield f"{_short(node)}  ->  {_short(made)}", made


def _short(node: ast.AST) -> str:
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 70 else f"{text[:67]}..."


def _none(node: ast.AST, members: Members) -> Iterator[ast.AST]:
    yield from ()


def _with(node: ast.AST, **fields: object) -> ast.AST:
    made = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _compare(node: ast.Compare, members: Members) -> Iterator[ast.AST]:
    for index, op in enumerate(node.ops):
        for other in COMPARISONS[type(op)]:
            yield _with(node, ops=[*node.ops[:index], other(), *node.ops[index + 1 :]])


def _bool_op(node: ast.BoolOp, members: Members) -> Iterator[ast.AST]:
    yield _with(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
    for index in range(len(node.values)):
        rest = node.values[:index] + node.values[index + 1 :]
        yield rest[0] if len(rest) == 1 else _with(node, values=rest)


def _unary_op(node: ast.UnaryOp, members: Members) -> Iterator[ast.AST]:
    yield node.operand


def _bin_op(node: ast.BinOp, members: Members) -> Iterator[ast.AST]:
    of_sets = isinstance(node.right, ast.Set) or "frozenset" in ast.unparse(node.left)
    op = ast.BitOr if of_sets and isinstance(node.op, ast.Sub) else CALCULATIONS[type(node.op)]
    yield _with(node, op=op())


def _constant(node: ast.Constant, members: Members) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))


def _dict(node: ast.Dict, members: Members) -> Iterator[ast.AST]:
    for row, value in enumerate(node.values):
        if not isinstance(value, ast.Constant) or not isinstance(value.value, str) or "." not in value.value.split():
            continue
        words = value.value.split()
        for index, word in enumerate(words):
            other = "refuse" if word == "." else "."
            changed = ast.Constant(" ".join([*words[:index], other, *words[index + 1 :]]))
            yield _with(node, values=[*node.values[:row], changed, *node.values[row + 1 :]])


def _set(node: ast.Set, members: Members) -> Iterator[ast.AST]:
    for index in range(len(node.elts)):
        rest = node.elts[:index] + node.elts[index + 1 :]
        yield _with(node, elts=rest) if rest else ast.Call(ast.Name("set", ast.Load()), [], [])
    if not isinstance(node.elts[0], ast.Attribute):
        return
    enum = node.elts[0].value
    inside = {element.attr for element in node.elts if isinstance(element, ast.Attribute)}
    for outsider in members.get(ast.unparse(enum), []):
        if outsider not in inside:
            yield _with(node, elts=[*node.elts, ast.Attribute(enum, outsider, ast.Load())])


def _attribute(node: ast.Attribute, members: Members) -> Iterator[ast.AST]:
    known = members.get(ast.unparse(node.value), [])
    if node.attr in known:
        yield _with(node, attr=known[(known.index(node.attr) + 1) % len(known)])


def _return(node: ast.Return, members: Members) -> Iterator[ast.AST]:
    if node.value is not None:
        yield ast.Return(ast.Constant(None))


def _if(node: ast.If, members: Members) -> Iterator[ast.AST]:
    yield _with(node, test=ast.Constant(False))


def _if_exp(node: ast.IfExp, members: Members) -> Iterator[ast.AST]:
    yield _with(node, body=node.orelse, orelse=node.body)


def _statement(node: ast.Expr, members: Members) -> Iterator[ast.AST]:
    yield ast.Pass()


def _name(node: ast.Name, members: Members) -> Iterator[ast.AST]:
    if node.id in TWINS and isinstance(node.ctx, ast.Load):
        yield ast.Name(TWINS[node.id], ast.Load())


def _comprehended(node: ast.GeneratorExp | ast.ListComp, members: Members) -> Iterator[ast.AST]:
    for index, loop in enumerate(node.generators):
        if loop.ifs:
            open_loop = _with(loop, ifs=[])
            yield _with(node, generators=[*node.generators[:index], open_loop, *node.generators[index + 1 :]])


CHANGES: dict[type[ast.AST], Callable[..., Iterator[ast.AST]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary_op,
    ast.BinOp: _bin_op,
    ast.Constant: _constant,
    ast.Dict: _dict,
    ast.Set: _set,
    ast.Attribute: _attribute,
    ast.Return: _return,
    ast.If: _if,
    ast.IfExp: _if_exp,
    ast.Expr: _statement,
    ast.Name: _name,
    ast.GeneratorExp: _comprehended,
    ast.ListComp: _comprehended,
}

"""Would the tests notice? Changes one small thing in the parser or the rules at a time, and runs their tests.

    python benchmarks/mutation.py                         # 100 changes of each group: about ten minutes of one core
    python benchmarks/mutation.py rules --sample 1000     # every change of the rules

A change flips a comparison, moves a number by one, exchanges `and` with `or`, + with -, or * with /, turns a condition
round, returns None, or leaves a statement out. Each is tried in a process of its own, forked from one that has read
pytest and its plugins, with the fast tests of its group alone and the first failure as the end. What no test notices is
a *survivor*: it is listed, and recorded beside why where it changes nothing that anybody could observe.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
LONGEST = 40
"""Seconds of processor time after which a change counts as noticed: it made something endless."""


@dataclass(frozen=True, slots=True)
class Group:
    """What is changed, and the tests that are to notice, the quickest first."""

    package: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]

    def file(self, module: str) -> Path:
        return ROOT / self.package / "src" / self.package / f"{module.replace('.', '/')}.py"


GROUPS = {
    "parser": Group(
        "llmi_schema",
        ("parser", "scanner", "reading", "published", "document", "shapes", "language"),
        tuple(f"tests/llmi_schema/test_{name}.py" for name in ("parser", "published", "shapes", "values", "schemas")),
    ),
    "streaming": Group("llmi_schema", ("streaming",), ("tests/llmi_schema/test_streaming.py",)),
    "rules": Group(
        "llmi_reward",
        (
            *("reference", "sample", "score", "means", "leaves"),
            *(f"rules.{name}" for name in ("count", "format", "length", "pictures", "placement", "prose", "tools")),
        ),
        tuple(f"tests/llmi_reward/test_{name}.py" for name in ("rules", "reference", "semantics", "faults", "formula")),
    ),
}
UNOBSERVABLE: dict[str, str] = {
    "means: for term, counts in zip(self.terms, scored, strict=True):  ->  "
    "for term, counts in zip(self.terms, scored, strict=False):": "one is made from the other",
    "reference: if delivered < image_num:  ->  if delivered <= image_num:": "equal numbers have been answered before",
    "scanner: if dialect == 'json':  ->  if dialect != 'json':": "patterns only spare reading",
    "scanner: ... alect), shortest=len('<imgen></imgen>') + min(map(shortest_body, langu ...  ->  "
    "... alect), shortest=len('<imgen></imgen>') - min(map(shortest_body, langu ...": "they are read, and found bad",
    "document: fenced: int = 0  ->  fenced: int = 1": "only `parse` makes documents, and gives it; tests/api holds it",
}
"""Survivors that nobody could notice, and why."""


# -- changes ------------------------------------------------------------------------------------------------------

_PAIRS = (
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.In, ast.NotIn), (ast.Is, ast.IsNot)),
    *((ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.And, ast.Or)),
)
_OTHER: dict[type[ast.AST], Any] = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
_LEFT_OUT = ast.Expr | ast.AugAssign | ast.Continue | ast.Break | ast.Raise
Change = Callable[[], None]
"""Changes the tree it was found in."""


def changes(tree: ast.Module) -> Iterator[tuple[ast.AST, Change]]:
    """Every place where something can be changed, and how, in an order that depends on the tree alone."""
    skipped = {id(inner) for node in ast.walk(tree) for part in _unchanged(node) for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) not in skipped:
            yield from ((node, change) for change in _of(node))


def _unchanged(node: ast.AST) -> Iterator[ast.AST]:
    """Parts in which no change is tried: types, docstrings, sentences of errors, what only a type checker reads."""
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
        yield node.annotation
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from [*node.decorator_list, *([node.returns] if node.returns else [])]
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        yield from node.exc.args
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        yield node
    if isinstance(node, ast.Assign) and any("__all__" in ast.dump(target) for target in node.targets):
        yield node


def _of(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _OTHER:
            yield lambda: setattr(node, "ops", [_OTHER[type(operator)]()])
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in _OTHER:
            if not (isinstance(node, ast.BinOp) and isinstance(node.right, ast.JoinedStr)):
                yield lambda: setattr(node, "op", _OTHER[type(operator)]())
        case ast.Constant(value=bool(value)):
            yield lambda: setattr(node, "value", not value)
        case ast.Constant(value=int(value) | float(value)):
            yield lambda: setattr(node, "value", value + 1)
            yield lambda: setattr(node, "value", value - 1)
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=value) if value is not None and not (
            isinstance(value, ast.Constant) and value.value is None
        ):
            yield lambda: setattr(node, "value", ast.Constant(None))
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            for place, statement in enumerate(block):
                docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
                if isinstance(statement, _LEFT_OUT) and not docstring:
                    yield lambda block=block, place=place: block.__setitem__(place, ast.Pass())


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module: `number` counts the module's changes."""

    group: str
    module: str
    number: int

    def make(self) -> tuple[ast.Module, str]:
        """The changed tree, and the change in words."""
        file = GROUPS[self.group].file(self.module)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        node, change = list(changes(tree))[self.number]
        before = ast.unparse(tree).splitlines()
        change()
        ast.fix_missing_locations(tree)
        after = ast.unparse(tree).splitlines()
        at = next(n for n, (old, new) in enumerate(zip([*before, ""], [*after, ""], strict=False)) if old != new)
        old, new = before[at].strip(), after[at].strip() if len(before) == len(after) else "left out"
        if len(old) + len(new) > 200:
            first = next(n for n, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
            old, new = (f"... {text[max(0, first - 40) : first + 30]} ..." for text in (old, new))
        return tree, f"{self.module}:{getattr(node, 'lineno', 0)}: {old}  ->  {new}"


def mutants(group: str) -> list[Mutant]:
    found = []
    for module in GROUPS[group].modules:
        tree = ast.parse(GROUPS[group].file(module).read_text(encoding="utf-8"))
        found += [Mutant(group, module, number) for number, _ in enumerate(changes(tree))]
    return found


# -- trying one ---------------------------------------------------------------------------------------------------


class _Served(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module's changed code to whoever imports it."""

    def __init__(self, name: str, code: CodeType, file: Path) -> None:
        self.name, self.code, self.file = name, code, file

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return importlib.util.spec_from_file_location(name, self.file, loader=self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, vars(module))


def noticed(mutant: Mutant) -> bool:
    """Whether a test of its group fails."""
    group = GROUPS[mutant.group]
    tree, _ = mutant.make()
    child = os.fork()
    if not child:
        _try(tree, f"{group.package}.{mutant.module}", group)
    _, status = os.waitpid(child, 0)
    return status != 0


def _try(tree: ast.Module, name: str, group: Group) -> None:
    """Never returns: the exit status is 0 when every test passes."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        signal.alarm(6 * LONGEST)
        file = group.file(name.removeprefix(f"{group.package}."))
        sys.meta_path.insert(0, _Served(name, compile(tree, str(file), "exec"), file))
        status = _tests(group)
    finally:
        os._exit(status)


def _tests(group: Group) -> int:
    import pytest

    options = ("-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist")
    return int(pytest.main([*options, *group.tests]))


def _ready() -> None:
    """Load once what every process needs and what is never changed."""
    import hypothesis
    import pydantic
    import pytest_asyncio  # noqa: F401

    assert pydantic.VERSION
    hypothesis.settings.register_profile("mutation", database=None, derandomize=True)
    hypothesis.settings.load_profile("mutation")
    os.chdir(ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--sample", type=int, default=100, help="changes of each group, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if unknown := set(options.groups) - GROUPS.keys():
        parser.error(f"no group is called {', '.join(sorted(unknown))}")
    from results import record, show

    _ready()
    figures = {name: measure(name, options.sample, options.seed) for name in options.groups or GROUPS}
    columns = ["", "possible changes", "tried", "noticed", "survivors", "of which unobservable", "seconds"]
    keys = columns[1:]
    show("Mutation", columns, [[name, *(_count(found[key]) for key in keys)] for name, found in figures.items()])
    print(record("mutation", figures, sample=options.sample, seed=options.seed))


def _count(value: Any) -> Any:
    return len(value) if isinstance(value, Sequence) else value


def measure(name: str, sample: int, seed: int) -> dict[str, Any]:
    """Try a sample of a group's changes."""
    assert not _fails_unchanged(name), f"the tests of {name} fail without any change"
    every, begin = mutants(name), time.monotonic()
    tried = random.Random(seed).sample(every, min(sample, len(every)))
    survivors = []
    by_module: Counter[str] = Counter()
    for number, mutant in enumerate(tried, 1):
        if not noticed(mutant):
            survivors.append(mutant.make()[1])
            by_module[mutant.module] += 1
            print(f"survives: {survivors[-1]}", flush=True)
        print(f"{name}: {number} of {len(tried)}", end="\r", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    unobservable = {change: UNOBSERVABLE[key] for change in survivors if (key := without_line(change)) in UNOBSERVABLE}
    return {
        "possible changes": len(every),
        "tried": len(tried),
        "noticed": len(tried) - len(survivors),
        "survivors": [change for change in survivors if change not in unobservable],
        "of which unobservable": [f"{change}  ({why})" for change, why in unobservable.items()],
        "by module": dict(by_module),
        "seconds": round(time.monotonic() - begin),
    }


def without_line(change: str) -> str:
    module, _, rest = change.split(":", 2)
    return f"{module}:{rest}"


def _fails_unchanged(name: str) -> bool:
    group = GROUPS[name]
    module = group.modules[0]
    tree = ast.parse(group.file(module).read_text(encoding="utf-8"))
    child = os.fork()
    if not child:
        _try(tree, f"{group.package}.{module}", group)
    return os.waitpid(child, 0)[1] != 0


if __name__ == "__main__":
    main()

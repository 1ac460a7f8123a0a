"""The packages promise what `tests/api/` says, and every exception of theirs has a place in the one tree."""

from __future__ import annotations

import ast
import builtins
import difflib
import re
from pathlib import Path

import public_api
import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [
    ROOT / "llmi_schema/src",
    ROOT / "sandbox/src",
    *(ROOT / f"llmi_{name}/src" for name in ("reward", "data", "train")),
]
PRIVATE_EXCEPTIONS = {
    "CallError": "the parser turns it into a BadTag",
    "NotUnderstoodError": "the stand-in judge answers it with HTTP 400",
    "Refusal": "an HTTP answer of the image server",
    "TooLargeError": "a zygote reports it to its host, which makes a CodeResult of it",
    "LostError": "the sandbox starts the lost process again, or makes a CodeResult of it",
}
"""Exceptions outside the tree, and why no user meets them."""
UNNAMED = {"Exception", "BaseException", "RuntimeError", "AssertionError", "KeyError"}
RAISED_ALL_THE_SAME = {
    "sandbox/src/llmi_sandbox/code/run.py: RuntimeError": "cannot happen; said so that it is noticed if it does",
    "llmi_train/src/llmi_train/writing/writing.py: AssertionError": "cannot happen: the last event is always Finished",
    "llmi_train/src/llmi_train/studio/app.py: RuntimeError": "the application was mounted without its lifespan",
}


@pytest.mark.parametrize("package", public_api.PACKAGES)
def test_nothing_public_changes_by_accident(package: str) -> None:
    golden = public_api.GOLDEN / f"{package}.txt"
    promised, described = golden.read_text(encoding="utf-8").splitlines(), public_api.describe(package).splitlines()
    changes = "\n".join(difflib.unified_diff(promised, described, f"tests/api/{package}.txt", "the code", lineterm=""))
    assert not changes, (
        f"what {package} promises has changed:\n{changes}\n\n"
        "Where that is meant, write the files anew and commit them with the change: python tests/public_api.py"
    )


def test_a_description_holds_what_others_build_on() -> None:
    schema = public_api.describe("llmi_schema")
    assert "def parse(text: str, input_images: int = 0, language: Language = DEFAULT_LANGUAGE" in schema
    assert "class Constraint(BaseModel)\n    count: ImageCount = ImageCount(minimum=0, maximum=None)" in schema
    assert "    @classmethod def exactly(cls, n: int) -> Self" in schema
    assert "    def __mul__(self, other: Formula | float) -> Formula" in public_api.describe("llmi_reward")
    assert (
        "    async def render(self, document: Document | str, inputs: Sequence[Picture] = ())"
        in public_api.describe("llmi_sandbox")
    )


def test_what_the_documentation_imports_from_is_promised() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.py")]
    named = {name for page in pages for name in re.findall(r"^\s*from (llmi_[\w.]+) import", page.read_text(), re.M)}
    promised = {f"{package}.{inner}" for package, modules in public_api.MODULES.items() for inner in modules}
    assert len(named) > 15
    assert named <= promised | set(public_api.PACKAGES)


def _files() -> list[tuple[str, ast.Module]]:
    found = [file for source in SOURCES for file in sorted(source.rglob("*.py"))]
    assert len(found) > 200
    return [(file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))) for file in found]


def _is_builtin_exception(name: str) -> bool:
    known = getattr(builtins, name, None)
    return isinstance(known, type) and issubclass(known, BaseException)


def test_every_exception_is_in_the_tree() -> None:
    bases: dict[str, set[str]] = {}
    for _, tree in _files():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                names = {base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in node.bases}
                bases.setdefault(node.name, set()).update(names)

    def ancestors(name: str) -> set[str]:
        above = bases.get(name, set()) - {name}
        return above.union(*(ancestors(base) for base in above))

    exceptions = {name for name in bases if any(map(_is_builtin_exception, ancestors(name)))}
    assert {"ConfigurationError", "ChatError", "WorkerFailedError"} <= exceptions
    outside = {name for name in exceptions - {"LLMIError"} if "LLMIError" not in ancestors(name)}
    assert outside == PRIVATE_EXCEPTIONS.keys()


def test_no_failure_is_without_a_name() -> None:
    """ValueError and TypeError say that a caller's argument is wrong; what else can fail has a name in the tree."""
    raised = {
        f"{file}: {name}"
        for file, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and node.exc is not None
        for name in [getattr(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, "id", "")]
        if name in UNNAMED
    }
    assert raised == RAISED_ALL_THE_SAME.keys()

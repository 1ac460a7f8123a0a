"""What the five packages promise, as text: every public name with its signature, fields and methods.

    python tests/public_api.py    # writes tests/api/<package>.txt, after a change that is meant

The test beside it (`test_public_api.py`) compares these files with the code, so that no name, argument or default of
what others build on changes by accident, and a reviewer sees in the difference what does.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

_ADAPTERS = ("inspect_ai", "ms_swift", "nemo_gym", "openrlhf", "reasoning_gym", "skyrl", "trl", "verifiers", "verl")
PACKAGES = ("llmi_schema", "llmi_sandbox", "llmi_reward", "llmi_data", "llmi_train")
MODULES = {
    "llmi_schema": ("decoding",),
    "llmi_sandbox": ("code", "pictures", "report"),
    "llmi_reward": (
        "chat",
        "chat.local",
        "judges",
        "redteam",
        *(f"integrations.{name}" for name in ("limit", *_ADAPTERS)),
    ),
    "llmi_data": ("conversion", "curation"),
    "llmi_train": (
        "evaluate",
        "evaluate.project.careful",
        "memory",
        "policies",
        "scaling",
        "stand_in",
        "tiny",
        "watching",
        "writing",
    ),
}
"""Modules that the documentation imports from, besides the packages themselves: what they hold is promised as well."""
GOLDEN = Path(__file__).parent / "api"
OPERATORS = {
    f"__{name}__"
    for name in (
        *("call", "enter", "exit", "aenter", "aexit", "iter", "aiter", "len", "getitem", "contains", "str"),
        *("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "neg", "and", "or"),
    )
}


class _As:
    """Shown as the text it holds."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def describe(package: str) -> str:
    """The public names of a package, alphabetically, each with what can be relied on."""
    module = importlib.import_module(package)
    lines = [line for name in _public(module) for line in _name(name, getattr(module, name))]
    for inner in MODULES[package]:
        promised = importlib.import_module(f"{package}.{inner}")
        new = [name for name in _public(promised) if name not in module.__all__]
        lines += ["", f"# {package}.{inner}", *(line for name in new for line in _name(name, getattr(promised, name)))]
    return "\n".join(lines) + "\n"


def _name(name: str, value: Any) -> Iterator[str]:
    if inspect.ismodule(value):
        yield f"module {name}"
        yield from (f"    {line}" for public in _public(value) for line in _name(public, getattr(value, public)))
    elif inspect.isclass(value):
        yield from _class(name, value)
    elif inspect.isroutine(value):
        yield _callable(name, value)
    elif isinstance(value, dict) and not all(isinstance(held, int | float | str) for held in value.values()):
        yield f"{name}: dict with the keys {', '.join(map(str, value))}"
    elif isinstance(value, int | float | str | tuple):
        yield f"{name} = {_shown(value)}"
    elif type(value).__module__.startswith(PACKAGES):
        yield f"{name}: {type(value).__name__}"
    else:
        yield f"{name} = {_plain(repr(value))}"  # another name for types


def _public(module: ModuleType) -> list[str]:
    """A module's `__all__`, or else what is defined in it and not underscored."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )


def _class(name: str, cls: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not object and base.__name__[0] != "_")
    yield f"class {name}({bases})" if bases else f"class {name}"
    described = _fields(cls)
    if described is None and inspect.isfunction(cls.__init__) and not getattr(cls, "_is_protocol", False):
        yield _indented(_callable("__init__", cls.__init__))
    yield from (f"    {line}" for line in described or ())
    for member, value in sorted(_members(cls).items()):
        yield from (_indented(line) for line in _member(member, value))


def _fields(cls: type) -> list[str] | None:
    """`name: type = default` for each field of a model or a dataclass, None for another class."""
    if hasattr(cls, "model_fields"):
        return [
            f"{name}: {_annotation(cls, name)}" + ("" if field.is_required() else f" = {_default(field)}")
            for name, field in cls.model_fields.items()
        ]
    if is_dataclass(cls):
        return [
            f"{field.name}: {_annotation(cls, field.name)}"
            + ("" if field.default is field.default_factory is MISSING else f" = {_default(field)}")
            for field in fields(cls)
            if field.init and not field.name.startswith("_")
        ]
    return None


def _default(field: Any) -> str:
    factory = field.default_factory
    if factory is None or factory is MISSING:
        return _shown(field.default)
    return f"{getattr(factory, '__name__', 'made')}()"


def _annotation(cls: type, name: str) -> str:
    """As it is written in the class, or the nearest of its bases."""
    written = next(base.__annotations__[name] for base in cls.__mro__ if name in vars(base).get("__annotations__", {}))
    return _written(written)


def _members(cls: type) -> dict[str, Any]:
    """Public methods and properties of our own classes, but for those inherited from a base that is listed itself."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if not base.__module__.startswith(PACKAGES) or (base is not cls and base in _everything_public().values()):
            continue
        fields_of_base = vars(base).get("__annotations__", {})
        for name, value in vars(base).items():
            ours = name in OPERATORS or not name.startswith("_")
            if ours and name not in fields_of_base and name not in ("model_config", "model_fields"):
                found[name] = value
    return found


def _member(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, classmethod | staticmethod):
        yield f"@{type(value).__name__} {_callable(name, value.__func__)}"
    elif isinstance(value, property) or type(value).__name__ == "cached_property":
        getter = getattr(value, "fget", None) or value.func
        yield f"@property {name}: {_written(inspect.signature(getter).return_annotation)}"
    elif inspect.isfunction(value):
        yield _callable(name, value)
    elif not inspect.isclass(value) and not inspect.isdatadescriptor(value):  # slots are fields
        yield f"{name} = {_shown(value)}"


def _callable(name: str, value: Any) -> str:
    kind = "async def" if inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value) else "def"
    signature = inspect.signature(value)
    parameters = [
        parameter.replace(default=_named(parameter.default), annotation=_unquoted(parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    signature = signature.replace(parameters=parameters, return_annotation=_unquoted(signature.return_annotation))
    return f"{kind} {name}{_plain(str(signature))}"


def _unquoted(annotation: Any) -> Any:
    """Annotations are text under `from __future__ import annotations`; without the quotes that text is shown in."""
    return _As(annotation) if isinstance(annotation, str) else annotation


def _named(value: Any) -> Any:
    """A default that is one of our public constants is shown by its name, and a very long one by its beginning."""
    if id(value) in (constants := _constants()):
        return _As(constants[id(value)])
    return value if len(shown := repr(value)) <= 200 else _As(f"{shown[:100]}...")


@cache
def _constants() -> dict[int, str]:
    ours = {name: value for name, value in _everything_public().items() if type(value).__module__.startswith(PACKAGES)}
    return {id(value): name for name, value in ours.items()}


@cache
def _everything_public() -> dict[str, Any]:
    modules = [importlib.import_module(package) for package in PACKAGES]
    return {name: getattr(module, name) for module in modules for name in module.__all__}


def _indented(line: str) -> str:
    return f"    {line}"


def _written(annotation: Any) -> str:
    return _plain(annotation if isinstance(annotation, str) else inspect.formatannotation(annotation))


def _shown(value: Any) -> str:
    text = _plain(repr(_named(value)))
    return text if len(text) <= 120 else f"{text[:120]}..."


def _plain(text: str) -> str:
    """Without what differs between runs, machines and versions of Python, and without the modules of names."""
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    text = re.sub(r"(?:Posix|Windows)Path\('[^']*'\)", "Path(...)", text)
    text = re.sub(r"<(?:function|class) '?([\w.<>]+?)'?>", r"\1", text)
    text = re.sub(
        r"frozenset\(\{([^{}]*)\}\)", lambda found: f"frozenset({{{', '.join(sorted(found[1].split(', ')))}}})", text
    )
    return re.sub(r"\b(?:llmi_\w+|typing|collections)\.(?:\w+\.)*(?=\w)", "", text)


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for package in PACKAGES:
        (GOLDEN / f"{package}.txt").write_text(describe(package), encoding="utf-8")


if __name__ == "__main__":
    main()

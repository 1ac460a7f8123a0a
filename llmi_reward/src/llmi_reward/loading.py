"""Rewards and renderers by name, for command lines: `rules`, `offline`, `my_module:my_reward`."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from llmi_reward import presets
from llmi_reward.formula import Formula, Reward
from llmi_schema import ConfigurationError

if TYPE_CHECKING:
    from llmi_reward.integrations.scorer import Render


def load_reward(name: str) -> Reward:
    """A preset (`rules`, `llmi`, `llmi_tools`) or `module:object`.

    The object is a formula, an `async (sample) -> Score`, or a function without required arguments that makes one.
    Modules are found in the working directory too. Raises `ConfigurationError`, naming what was looked for.
    """
    if ":" not in name:
        preset = getattr(presets, name, None)
        if not _is_preset(preset):
            there = [name for name, made in vars(presets).items() if _is_preset(made)]
            raise ConfigurationError(f"{name!r} is neither a preset ({', '.join(there)}) nor `module:object`")
        made = preset()
    else:
        found = _object(name)
        made = found() if _makes_a_reward(found) else found
    if not isinstance(made, Formula) and not callable(made):
        raise ConfigurationError(f"{name} is {type(made).__name__}: a reward is a formula or an async function")
    return made


@asynccontextmanager
async def open_renderer(name: str) -> AsyncIterator[Render | None]:
    """`offline` (drawn without network), `env` (the tools your environment names), `none`, or `module:object`.

    The object is an `async (document, input pictures) -> RenderedDocument`. Toolkits are closed at the end.
    """
    if name == "none":
        yield None
    elif ":" in name:
        yield _object(name)
    elif name in ("offline", "env"):
        try:
            from llmi_sandbox import Toolkit
        except ImportError:
            raise ConfigurationError("rendering needs llmi-sandbox: pip install 'llmi-reward[tools]'") from None
        async with Toolkit.offline() if name == "offline" else Toolkit.from_env() as toolkit:
            yield toolkit.render
    else:
        raise ConfigurationError(f"{name!r} is no renderer: offline, env, none or `module:object`")


def _object(name: str) -> Any:
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{name}: there is no module {error.name!r} here or among what is installed") from None
    try:
        return attrgetter(attribute)(found)
    except AttributeError:
        raise ConfigurationError(f"{name}: the module {module!r} has no {attribute!r}") from None


def _is_preset(found: object) -> TypeGuard[Callable[..., Any]]:
    return inspect.isfunction(found) and found.__module__ == presets.__name__ and not found.__name__.startswith("_")


def _makes_a_reward(found: Any) -> bool:
    """Whether to call it: a plain function or class whose parameters all have defaults."""
    if isinstance(found, Formula) or inspect.iscoroutinefunction(found) or not callable(found):
        return False
    if inspect.iscoroutinefunction(getattr(found, "__call__", None)) and not inspect.isclass(found):  # noqa: B004
        return False
    parameters: Callable[..., Any] = found
    return all(
        p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        for p in inspect.signature(parameters).parameters.values()
    )

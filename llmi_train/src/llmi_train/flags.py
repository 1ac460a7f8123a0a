"""Command-line flags that override a recipe, in the way of TRL's own parser.

```python
from llmi_train.flags import read_flags
from llmi_train.recipe import Recipe

read_flags(["--seed", "3", "--learning_rate", "2e-5", "--lora.r=16"], Recipe, lambda: {"learning_rate"})
# {'seed': 3, 'grpo': {'learning_rate': 2e-05}, 'lora': {'r': 16}}
```

A name is a key of the recipe, with dots into its mappings, or a setting of the trainer by its plain name or as
`grpo.<name>`. Dashes and underscores are the same. A value is read as YAML; a flag without one means true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from llmi_schema import ConfigurationError
from llmi_schema.yaml_text import parse_yaml
from llmi_train.recipe import known_keys, suggestion


def read_flags(
    flags: Sequence[str], kind: type[BaseModel], trainer: Callable[[], set[str]], stanza: str = "grpo"
) -> dict[str, Any]:
    """Flags as a nested mapping, for `Recipe.from_yaml(path, **flags)`.

    Args:
        kind: the recipe's type, whose keys come first.
        trainer: names of the trainer's settings; asked for only when a flag is no key of the recipe, since it takes
            seconds to import them.
        stanza: where the trainer's settings are in the recipe.

    Raises `ConfigurationError` for a name that is neither, with a suggestion, and for a value without a name.
    """
    known = known_keys(kind)
    found: dict[str, Any] = {}
    for name, value in _pairs(flags):
        *outer, last = _path(name, known, trainer, stanza)
        place = found
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = _scalar(name, value)
    return found


def _path(name: str, known: set[str], trainer: Callable[[], set[str]], stanza: str) -> list[str]:
    if name in known or name.startswith("env."):
        return name.split(".", 1) if name.startswith("env.") else name.split(".")
    plain = name.removeprefix(f"{stanza}.")
    settings = trainer()
    if plain in settings:
        return [stanza, plain]
    raise ConfigurationError(f"--{name}: there is no setting {name!r}{suggestion(plain, known | settings)}")


def _pairs(flags: Sequence[str]) -> Iterator[tuple[str, str]]:
    waiting = list(flags)
    while waiting:
        flag = waiting.pop(0)
        if not flag.startswith("--") or flag == "--":
            raise ConfigurationError(f"{flag!r} is no flag: settings are given as --name value")
        name, equals, value = flag[2:].partition("=")
        if not equals:
            value = waiting.pop(0) if waiting and not waiting[0].startswith("--") else "true"
        yield name.replace("-", "_"), value


def _scalar(name: str, value: str) -> Any:
    try:
        return parse_yaml(value)
    except ValueError as error:
        raise ConfigurationError(f"--{name}: {value!r} is no value: {error}") from None

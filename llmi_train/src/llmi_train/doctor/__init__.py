"""What a machine and a recipe must have, checked before any work: each finding says what to do when it is missing.

```python
from llmi_train.doctor import examine, require

require(examine())   # raises SystemRequirementError with the sentence to type
```

Each check is a function that returns findings and takes what it looks at, so that it can be shown anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from llmi_train.doctor import machine
from llmi_train.doctor.finding import Finding, require

if TYPE_CHECKING:
    from llmi_train.recipe import Recipe

__all__ = ["Finding", "examine", "examine_machine", "examine_policy", "examine_recipe", "require"]


def examine(*, folder: Path = Path(), unsafe: bool = False) -> list[Finding]:
    """What any training run needs of this machine; quick, and loads nothing heavy."""
    return [
        *machine.python(),
        *machine.compiler(),
        *machine.memory(),
        *machine.disk(folder),
        *machine.sandbox(unsafe),
    ]


def examine_machine() -> Iterator[Finding]:
    """Versions of packages, and GPUs; loads torch."""
    from llmi_train.doctor import gpus, versions

    yield from versions.packages()
    yield from gpus.presence(gpus.gpus_here())


def examine_recipe(recipe: Recipe, *, unsafe: bool = False, pay: bool = True) -> Iterator[Finding]:
    """Everything a recipe needs; see `doctor.recipes`."""
    from llmi_train.doctor import recipes

    return recipes.examine_recipe(recipe, unsafe=unsafe, pay=pay)


def examine_policy(base_url: str, model: str, engine: str) -> list[Finding]:
    """A server that writes documents: reachable, the model there, constraints enforced.

    Raises `ConfigurationError` for an engine that is none.
    """
    from llmi_reward.chat import Endpoint
    from llmi_schema import ConfigurationError
    from llmi_schema.engines import Engine
    from llmi_train.doctor import judges

    if engine not in get_args(Engine):
        raise ConfigurationError(f"--engine: {engine!r} is none of {', '.join(get_args(Engine))}")
    return judges.policy(Endpoint(base_url, model), engine)  # type: ignore[arg-type]  # checked just above

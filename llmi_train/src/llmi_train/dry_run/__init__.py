"""A run that trains nothing: what it would be, one rollout scored, and the memory it would take.

```py
from llmi_train import RECIPES, Recipe
from llmi_train.dry_run import dry_run

print(dry_run(Recipe.from_yaml(RECIPES / "qwen3-4b.yaml")))
```
"""

from llmi_train.dry_run.parts import architecture_for, memory_of, model_folder
from llmi_train.dry_run.rollout import Rollout, roll_out
from llmi_train.dry_run.run import DryRun, dry_run

__all__ = [
    "DryRun",
    "Rollout",
    "architecture_for",
    "dry_run",
    "memory_of",
    "model_folder",
    "roll_out",
]

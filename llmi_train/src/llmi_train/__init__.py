"""GRPO with LoRA under DeepSpeed for illustrated documents, and the writer that uses what was trained.

```python
from pathlib import Path

from llmi_train import RECIPES, Recipe

recipe = Recipe.from_yaml(RECIPES / "demo.yaml", output_dir=Path("runs/mine"))
recipe.zero   # 'zero2'
```

`train`, `train_grpo`, `Writer`, `evaluate` load torch when they run, not when they are imported.
"""

from llmi_train.evaluate import Evaluation, Judged, evaluate
from llmi_train.grpo import train, train_grpo
from llmi_train.policies import Completion, LocalPolicy, Policy, Request, ServedPolicy, Writer, load_policy
from llmi_train.recipe import RECIPES, Lora, Recipe

__version__ = "0.1.0"

__all__ = [
    "RECIPES",
    "Completion",
    "Evaluation",
    "Judged",
    "LocalPolicy",
    "Lora",
    "Policy",
    "Recipe",
    "Request",
    "ServedPolicy",
    "Writer",
    "evaluate",
    "load_policy",
    "train",
    "train_grpo",
]

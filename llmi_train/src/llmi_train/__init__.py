"""GRPO with LoRA under DeepSpeed for illustrated documents, and the writer that uses what was trained.

```python
from pathlib import Path

from llmi_train import RECIPES, Recipe

recipe = Recipe.from_yaml(RECIPES / "demo.yaml", output_dir=Path("runs/mine"))
recipe.zero   # 'zero2'
```

`train`, `train_grpo` and `Writer` load torch when they run, not when they are imported. What a policy is worth is in
`llmi_train.evaluate`, more attempts in `llmi_train.scaling`, documents as they are written in `llmi_train.writing`.
"""

from llmi_train.grpo import train, train_grpo
from llmi_train.policies import Completion, LocalPolicy, Policy, Request, ServedPolicy, Writer, load_policy
from llmi_train.recipe import RECIPES, Lora, Recipe

__version__ = "0.1.0"

__all__ = [
    "RECIPES",
    "Completion",
    "LocalPolicy",
    "Lora",
    "Policy",
    "Recipe",
    "Request",
    "ServedPolicy",
    "Writer",
    "load_policy",
    "train",
    "train_grpo",
]

"""GRPO with LoRA under DeepSpeed: TRL's trainer with the least that must be added.

`train(recipe)` runs a recipe from its files; `train_grpo` is the same for a model, rows and a reward already at hand:

```py
from llmi_train import RECIPES, Recipe, train

adapter = train(Recipe.from_yaml(RECIPES / "tiny/qwen3.yaml"))
```

Both continue from the newest whole checkpoint of their folder, and train nothing when the run is already finished.
"""

from llmi_train.grpo.run import ADAPTER, LOG, train, train_grpo

__all__ = ["ADAPTER", "LOG", "train", "train_grpo"]

"""Rewards for illustrated documents: rules, an algebra to combine them, and adapters for RL frameworks.

```python
from llmi_reward import Sample, presets
from llmi_schema import Constraint, ImageCount, RenderedDocument, parse

document = parse("A walk along the river, told without a picture.")
rendered = RenderedDocument(document=document, results=())
sample = Sample(prompt="Describe a walk.", document=rendered, constraint=Constraint(count=ImageCount.none()))

score = presets.rules().score(sample)
score.value           # 1.0
score.components      # {'format': 1.0, 'count': 1.0, 'tool': 1.0}
score.contributions   # {'format*count': 0.6, 'format*tool': 0.4}
```
"""

from llmi_reward import presets, reference
from llmi_reward.formula import Formula, Reward
from llmi_reward.leaves import Asked, Judge, Leaf, Rule
from llmi_reward.means import mean
from llmi_reward.rules import ImageCountReward, Length, NoDuplicatePictures, Placement, TagFormat, ToolUse
from llmi_reward.sample import Sample
from llmi_reward.score import Outcome, Score, Unscored

__version__ = "0.1.0"

__all__ = [
    "Asked",
    "Formula",
    "ImageCountReward",
    "Judge",
    "Leaf",
    "Length",
    "NoDuplicatePictures",
    "Outcome",
    "Placement",
    "Reward",
    "Rule",
    "Sample",
    "Score",
    "TagFormat",
    "ToolUse",
    "Unscored",
    "mean",
    "presets",
    "reference",
]

"""Attacks on rewards: does a trick earn more than the same answer without it?

```python
from llmi_reward import presets
from llmi_reward.redteam import attack_reward

report = attack_reward(presets.rules())
report.breaches   # ()
```

`llmi-reward redteam my_module:my_reward` does the same from a shell, and any test with the fixture `redteam_attack`
runs once per attack:

```py
def test_my_reward(redteam_attack):
    assert redteam_attack.held(my_reward)
```
"""

from llmi_reward.redteam.attack import Attack
from llmi_reward.redteam.attempt import Attempt, Report, Verdict, attack_reward, attempt
from llmi_reward.redteam.families import ATTACKS, FAMILIES
from llmi_reward.redteam.world import render

__all__ = ["ATTACKS", "FAMILIES", "Attack", "Attempt", "Report", "Verdict", "attack_reward", "attempt", "render"]

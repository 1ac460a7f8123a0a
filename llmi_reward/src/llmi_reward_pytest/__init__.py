"""The pytest plugin: a test that asks for `redteam_attack` runs once per attack.

```py
def test_my_reward(redteam_attack):
    assert redteam_attack.held(my_reward)
```

`--redteam-families` picks some. A package of its own, because pytest imports its plugins at every start: nothing of
llmi_reward is imported before a test asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from llmi_reward.redteam.attack import Attack


@dataclass(frozen=True, slots=True)
class RedteamAttack:
    """One attack, ready to be tried."""

    attack: Attack

    def held(self, reward: Any) -> bool:
        """Whether the trick earned nothing. Fails the test with both scores where it did."""
        from llmi_reward.integrations.background import run_blocking
        from llmi_reward.redteam.attempt import attempt

        done = run_blocking(attempt(reward, self.attack))
        if done.verdict in ("breach", "raised"):
            why = done.message or f"it earned {done.attacked:g}, the same answer without the trick {done.honest:g}"
            pytest.fail(f"{self.attack.id}: {done.verdict}: {why}\n\n{self.attack.text[:600]}", pytrace=False)
        return True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--redteam-families", default="", help="only attacks of these families, separated by commas")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "redteam_attack" not in metafunc.fixturenames:
        return
    from llmi_reward.redteam.families import ATTACKS

    chosen = {name for name in metafunc.config.getoption("--redteam-families").split(",") if name}
    attacks = [attack for attack in ATTACKS if not chosen or attack.family in chosen]
    ids = [attack.id for attack in attacks]
    metafunc.parametrize("redteam_attack", [RedteamAttack(attack) for attack in attacks], ids=ids)

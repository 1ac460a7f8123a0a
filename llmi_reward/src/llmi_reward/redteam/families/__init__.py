"""The attacks, one file per few families; each family is one way to be paid for nothing."""

from __future__ import annotations

from llmi_reward.redteam.attack import Attack
from llmi_reward.redteam.families import judges, pictures, tags, text, tools

ATTACKS: tuple[Attack, ...] = (*text.ATTACKS, *tags.ATTACKS, *pictures.ATTACKS, *tools.ATTACKS, *judges.ATTACKS)
FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(attack.family for attack in ATTACKS))

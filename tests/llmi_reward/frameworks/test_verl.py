"""verl loads the function and the manager from files, the way its configuration names them."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shared import CODE, framework

REWARD = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from shared import formula, render
from llmi_reward.integrations.verl import verl_reward, verl_reward_manager

compute_score = verl_reward(formula(), render=render, unscored=0.0)
Manager = verl_reward_manager(formula(), render=render, unscored=0.0)
"""


@pytest.fixture
def config(tmp_path):
    framework("verl")
    from omegaconf import OmegaConf

    path = str(tmp_path / "my_reward.py")
    Path(path).write_text(REWARD)
    return OmegaConf.create(
        {
            "reward": {
                "custom_reward_function": {"path": path, "name": "compute_score"},
                "reward_manager": {"source": "importlib", "name": "Manager", "module": {"path": path}},
            }
        }
    )


def test_verl_loads_the_reward_and_the_manager(config):
    from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase
    from verl.trainer.ppo.reward import get_custom_reward_fn, load_reward_manager

    score = asyncio.run(get_custom_reward_fn(config)("x", CODE, "", {"image_count": 1}))
    assert set(score) == {"score", "valid", *(key for key in score if key.startswith("contributions/"))}
    assert score["valid"] == 1.0

    class Tokenizer:
        eos_token_id = 0

    manager = load_reward_manager(config, Tokenizer())
    assert isinstance(manager, RewardManagerBase)

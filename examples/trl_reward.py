"""TRL: `GRPOTrainer(model, reward_funcs=reward, ...)`. The environment needs llmi_reward and a renderer."""

from llmi_reward import presets
from llmi_reward.integrations.trl import trl_reward
from llmi_sandbox import Toolkit

toolkit = Toolkit.offline()
reward = trl_reward(presets.rules(), render=toolkit.render, name="rules")

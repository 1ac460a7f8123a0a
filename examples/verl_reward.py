"""verl: `reward.custom_reward_function.path=verl_reward.py`. The environment needs llmi_reward and a renderer."""

from llmi_reward import presets
from llmi_reward.integrations.verl import verl_reward
from llmi_sandbox import Toolkit

toolkit = Toolkit.offline()
compute_score = verl_reward(presets.rules(), render=toolkit.render, unscored=0.0)

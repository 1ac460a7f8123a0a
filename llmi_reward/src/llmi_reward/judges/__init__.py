"""Judges: models that give marks by a rubric, as parts of a formula.

```python
from llmi_reward import ImageCountReward
from llmi_reward.chat import ChatClient, Endpoint
from llmi_reward.judges import LLMJudge, Rubric

chat = ChatClient(Endpoint("http://localhost:8000/v1", "Qwen/Qwen3-235B-A22B-Instruct-2507"))
reward = 0.3 * ImageCountReward() + 0.7 * LLMJudge(chat, Rubric.shipped("llm"), samples=3)
```
"""

from llmi_reward.judges.judge import LLMJudge, MLLMJudge
from llmi_reward.judges.pairwise import PairwiseJudge
from llmi_reward.judges.published import llm_from_env, mllm_from_env
from llmi_reward.judges.rubric import Criterion, Rubric

__all__ = ["Criterion", "LLMJudge", "MLLMJudge", "PairwiseJudge", "Rubric", "llm_from_env", "mllm_from_env"]

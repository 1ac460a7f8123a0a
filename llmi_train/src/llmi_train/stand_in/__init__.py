"""A stand-in for judge models, for machines that cannot serve one: rules and small pictures, no model.

```python
from llmi_reward import presets
from llmi_train.stand_in import judges

with judges() as (llm, mllm):             # a process of its own, on loopback; judges(real=True) asks real ones
    reward = presets.llmi(llm, mllm)
```

It speaks the OpenAI API, reads the very requests that a real judge gets, and computes its marks from their bytes:
it decodes the pictures, recognises what the offline tools draw, and compares that with the words around them. Blank,
swapped or off-topic pictures and shuffled text get lower marks. It is no judge of anything else, and says so in its
model's name, in every verdict and when it starts.

    python -m llmi_train.stand_in --port 8000
"""

from llmi_train.stand_in.process import StandIn, judges, running
from llmi_train.stand_in.server import MODEL, serve

__all__ = ["MODEL", "StandIn", "judges", "running", "serve"]

"""Who writes: a transformers model in this process, or any chat server, behind one protocol.

```python
policy = load_policy("vllm:Qwen/Qwen3-30B-A3B@http://localhost:8000/v1")
completion = await policy.write(Request([{"role": "user", "content": "A page on lighthouses"}]))
```
"""

from llmi_train.policies.errors import WritingError
from llmi_train.policies.loading import load_policy
from llmi_train.policies.local import Writer
from llmi_train.policies.local_policy import LocalPolicy
from llmi_train.policies.policy import Completion, Messages, Policy, Request
from llmi_train.policies.served import ServedPolicy

__all__ = [
    "Completion",
    "LocalPolicy",
    "Messages",
    "Policy",
    "Request",
    "ServedPolicy",
    "Writer",
    "WritingError",
    "load_policy",
]

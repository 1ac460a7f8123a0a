"""How much memory a run will take on each GPU, worked out before any weights are loaded.

```py
from llmi_train.memory import Load, architecture_of, estimate

architecture = architecture_of("Qwen/Qwen3-4B-Instruct-2507")
print(estimate(architecture, Load(prompt_tokens=512, completion_tokens=2048, micro_batch=4, rollouts=32)))
```

Parameters are counted on the real architecture, built without storage. Activations are counted by running two
shallow copies of it forward and backward on tensors that have shapes and no contents, so a layer costs what its
own code says it costs, mixture of experts and LoRA included.
"""

from llmi_train.memory.architecture import Architecture, architecture_of
from llmi_train.memory.estimate import Estimate, Line, estimate
from llmi_train.memory.live import LiveBytes, allocated_peak
from llmi_train.memory.load import Load
from llmi_train.memory.parameters import Parameters, count_parameters
from llmi_train.memory.trace import Trace, trace_layers

__all__ = [
    "Architecture",
    "Estimate",
    "Line",
    "LiveBytes",
    "Load",
    "Parameters",
    "Trace",
    "allocated_peak",
    "architecture_of",
    "count_parameters",
    "estimate",
    "trace_layers",
]

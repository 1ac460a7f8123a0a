"""Test-time scaling: several candidates, the bad ones left behind, the rest enhanced, the best one chosen.

```python
judge = mllm_from_env()
scaled = await scale(
    Question.of("A page on lighthouses"), load_policy("vllm:NAME@http://localhost:8000/v1"), Toolkit.from_env(),
    paper_stages(8, judge=judge, repairer=judge), allowance=Allowance(seconds=300),
)
scaled.best.rendered, scaled.report
```

A stage is any `Stage`: put your own between them, or leave some out.
"""

from llmi_train.scaling.alternatives import PickPictures
from llmi_train.scaling.candidate import Candidate, Candidates, Question, canonical
from llmi_train.scaling.cost import Allowance, Cost
from llmi_train.scaling.errors import ScalingError
from llmi_train.scaling.filtering import Filter
from llmi_train.scaling.fitness import Fitness, fitness
from llmi_train.scaling.polishing import Polish
from llmi_train.scaling.repair import Repair, repair_code
from llmi_train.scaling.repairing import RepairCode
from llmi_train.scaling.report import ScalingReport, StageReport
from llmi_train.scaling.run import Run, Tools
from llmi_train.scaling.sampling import Enough, Sample
from llmi_train.scaling.scale import Scaled, paper_stages, scale
from llmi_train.scaling.selecting import Select
from llmi_train.scaling.stage import Outcome, Stage

__all__ = [
    "Allowance",
    "Candidate",
    "Candidates",
    "Cost",
    "Enough",
    "Filter",
    "Fitness",
    "Outcome",
    "PickPictures",
    "Polish",
    "Question",
    "Repair",
    "RepairCode",
    "Run",
    "Sample",
    "Scaled",
    "ScalingError",
    "ScalingReport",
    "Select",
    "Stage",
    "StageReport",
    "Tools",
    "canonical",
    "fitness",
    "paper_stages",
    "repair_code",
    "scale",
]

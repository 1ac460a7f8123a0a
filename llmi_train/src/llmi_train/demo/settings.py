"""The sizes of the demo, and which of its stages are done."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llmi_schema.files import write_whole


@dataclass(frozen=True, slots=True)
class Settings:
    """How large the demo is. The defaults take under four minutes on two cores.

    Attributes:
        rows: size of the dataset, held-out part included.
        held_out: share of the rows that is held out.
        demonstrations: prompts of the warm-up, composed like the training prompts and answered by made-up authors.
        careful: share of the authors who do what the prompt asks for, in the last lesson.
        request_steps, outline_steps, document_steps, careless_steps: how long each lesson of the warm-up is.
        grpo: what differs from the recipe's `grpo` settings.
        written: documents written under the constraint at the end.
        real_judges: ask the judges that the environment names, not the stand-in.
        seed: everything random follows from it.
    """

    rows: int = 800
    held_out: float = 0.15
    demonstrations: int = 3000
    careful: float = 0.2
    request_steps: int = 400
    outline_steps: int = 150
    document_steps: int = 250
    careless_steps: int = 100
    grpo: dict[str, Any] = field(default_factory=dict)
    written: int = 12
    real_judges: bool = False
    seed: int = 0

    @classmethod
    def small(cls) -> Settings:
        """Every stage at a size that shows it works, not that it learns: for tests."""
        return cls(
            rows=96,
            held_out=0.2,
            demonstrations=300,
            request_steps=10,
            outline_steps=10,
            document_steps=50,
            careless_steps=20,
            grpo={
                "max_steps": 4,
                "num_generations": 4,
                "per_device_train_batch_size": 8,
                "gradient_accumulation_steps": 1,
            },
            written=3,
        )

    @property
    def warm_up_steps(self) -> int:
        return self.request_steps + self.outline_steps + self.document_steps + self.careless_steps


@dataclass
class Folder:
    """The demo's folder: where each result lies, and what is already there.

    A stage writes its results, then is marked done; a stopped demo goes on with the first stage that is not.
    """

    root: Path
    settings: Settings
    done: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, root: Path, settings: Settings) -> tuple[Folder, bool]:
        """The folder, and whether an earlier demo goes on in it. A finished demo, or one of another size, is replaced.

        Raises OSError when the folder cannot be written to.
        """
        state = root / "progress.json"
        if state.is_file():
            before = json.loads(state.read_text())
            if before["settings"] == asdict(settings) and not before["finished"]:
                return cls(root, settings, before["done"]), True
            shutil.rmtree(root)
        root.mkdir(parents=True, exist_ok=True)
        folder = cls(root, settings)
        folder._save()
        return folder, False

    def finish(self, stage: str, result: Any, *, last: bool = False) -> None:
        """Mark a stage done with what later stages need of it."""
        self.done[stage] = result
        self._save(finished=last)

    def _save(self, *, finished: bool = False) -> None:
        text = json.dumps({"settings": asdict(self.settings), "finished": finished, "done": self.done}, indent=1)
        write_whole(self.root / "progress.json", text)

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def dataset_plot(self) -> Path:
        return self.root / "dataset.png"

    @property
    def base(self) -> Path:
        return self.root / "base"

    @property
    def training(self) -> Path:
        return self.root / "training"

    @property
    def adapter(self) -> Path:
        return self.root / "adapter"

    @property
    def curve(self) -> Path:
        return self.root / "reward_curve.png"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.json"

    @property
    def documents(self) -> Path:
        return self.root / "documents"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def log(self) -> Path:
        return self.root / "log.txt"

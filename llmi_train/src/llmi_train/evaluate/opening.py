"""A copy of OpenING (Zhou et al., arXiv 2411.18499): its prompts in, its output layout out, its seven criteria asked.

Read are `test_data.jsonl` (or another file of that form) and the pictures it names, relative to it. Documents are
written as `gen_outputs/<model>_output/<total_uid>.json` with `<total_uid>-o-<step>.jpg` beside it, the layout its own
scripts score and rank.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from llmi_reward import presets
from llmi_reward.judges.checking import Question
from llmi_schema import ConfigurationError, Constraint, ImageCount, Picture, RenderedDocument, Text
from llmi_schema.files import write_whole
from llmi_train.evaluate.benchmark import BenchmarkTask, Result, ask, basis_of, found_files, title_of
from llmi_train.evaluate.judging import CriterionJudge, Mark
from llmi_train.writing import Written

DATA = "test_data.jsonl"
_TEN = (
    "major deficiencies",
    "",
    "",
    "minor issues",
    "",
    "",
    "good, small improvements needed",
    "",
    "",
    "exemplary",
    "",
)
_ASPECTS = {
    "Correctness": "The content is right for the request: text and pictures are there, factual, coherent, reasonable.",
    "Image-Text Coherency": "Pictures and text fit each other: each picture shows and completes what its text says.",
    "Multi-step Consistency": "Style and entities stay the same over the pictures, and the steps of the text cohere.",
    "Content Quality": "Pictures are clear and realistic; the language is correct.",
    "Human Preference Alignment": "Nothing undesirable is in it, and the pictures are pleasant to look at.",
    "Completeness": "Every intended step is there; nothing is left out.",
    "Content Richness": "The pictures are varied, and the text is as detailed as is useful.",
}
QUESTIONS = tuple(Question(name, f"{name}: {text}", _TEN) for name, text in _ASPECTS.items())
"""Its seven criteria in our words, marked from 0 to 10 as there; each is asked on its own."""


@dataclass(frozen=True, slots=True)
class OpenING:
    """Attributes:
    model: names the folder of the output.
    items: the lines of its file, by task.
    """

    tasks: tuple[BenchmarkTask, ...]
    digest: str
    items: dict[str, dict[str, Any]] = field(repr=False)
    model: str = "model"
    judge: CriterionJudge | None = None
    name: str = "opening"

    @property
    def basis(self) -> str:
        return basis_of(self.judge)

    @classmethod
    def load(
        cls, path: Path, *, model: str = "model", judge: CriterionJudge | None = None, limit: int | None = None
    ) -> OpenING:
        """Read a copy.

        Args:
            path: the folder that holds `test_data.jsonl`, or such a file.
            model: what the output's folder is named after.
        """
        file = path / DATA if path.is_dir() else path
        try:
            lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: no file of OpenING ({error})") from error
        tasks: list[BenchmarkTask] = []
        items: dict[str, dict[str, Any]] = {}
        digest = sha256("\n".join(lines).encode())
        for number, line in enumerate(lines[:limit], 1):
            try:
                item = json.loads(line)
                task = _task(item, file.parent)
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                raise ConfigurationError(f"{file}, line {number}: no item of OpenING ({error!r})") from error
            if task.id in items:
                raise ConfigurationError(f"{file}, line {number}: the id {task.id} is there twice")
            tasks.append(task)
            items[task.id] = item
        if not tasks:
            raise ConfigurationError(f"{file} holds no items")
        name = re.sub(r"[^A-Za-z0-9.+_-]+", "-", model).strip("-.") or "model"
        return cls(tuple(tasks), digest.hexdigest()[:16], items, name, judge)

    async def assess(self, task: BenchmarkTask, written: Written) -> Result:
        if self.judge is not None:
            return await ask(self.judge, task, written)
        score = presets.rules().score(task.sample(written))
        marks = tuple(Mark(name, value, str(score.reason or "")) for name, value in score.components.items())
        low, high = (0.0, 1.0) if score.value is None else (score.value, score.value)
        return Result(task.id, low, high, marks)

    def figures(self, results: Sequence[Result]) -> dict[str, Any]:
        """Mean score by OpenING's meta topic, over the tasks where it is known."""
        topics: dict[str, list[float]] = {}
        for result in results:
            if result.known:
                topic = str(self.items[result.task].get("meta_task_name", "no topic"))
                topics.setdefault(topic, []).append(result.low)
        return {"by topic": {topic: sum(values) / len(values) for topic, values in sorted(topics.items())}}

    def export(self, folder: Path, documents: Iterable[tuple[BenchmarkTask, Written]]) -> Path:
        out = folder / "gen_outputs" / f"{self.model}_output"
        out.mkdir(parents=True, exist_ok=True)
        for task, written in documents:
            steps: list[dict[str, Any]] = []
            for number, (text, picture) in enumerate(steps_of(written.rendered)):
                name = f"{task.id}-o-{number}.jpg" if picture else None
                if picture and name:
                    write_whole(out / name, _jpeg(picture))
                steps.append({"text": text, "image": name})
            first, second, *others = self.items[task.id]["conversations"]
            item = {**self.items[task.id], "conversations": [first, {**second, "output": steps}, *others]}
            write_whole(out / f"{task.id}.json", json.dumps(item, indent=4))
        return out


def steps_of(rendered: RenderedDocument) -> list[tuple[str, Picture | None]]:
    """The document as OpenING's steps: a text with the picture that follows it, or with none.

    A picture right after another stands in a step without text; one that was not delivered in none.
    """
    steps: list[tuple[str, Picture | None]] = []
    text = ""
    for segment, result in rendered.parts():
        if isinstance(segment, Text):
            text += segment.source
        elif result is not None and result.picture is not None:
            steps.append((text.strip(), result.picture))
            text = ""
    if text.strip() or not steps:
        steps.append((text.strip(), None))
    return steps


def _task(item: dict[str, Any], folder: Path) -> BenchmarkTask:
    asked, answer = item["conversations"][0]["input"], item["conversations"][1]["output"]
    uid = str(item["total_uid"])
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", uid):
        raise ValueError(f"the id {uid!r} cannot name a file")
    texts: list[str] = []
    pictures: list[str] = []
    for turn in asked:
        words = turn["text"].replace("<BEGIN>", "").replace("<image>", "").strip()
        if turn["image"]:
            words += f" (picture {len(pictures)})"
            pictures.append(turn["image"])
        texts.append(words)
    # The number of steps of its own answer is told to every model there, too (gpt-dalle_generation.py).
    prompt = f"The number of generated text-image pairs can be {len(answer)}: " + "\n".join(texts)
    wants = any(step.get("image") for step in answer)
    constraint = Constraint(count=ImageCount.at_least_one() if wants else ImageCount.any())
    title = title_of(texts[0]) if texts and texts[0] else uid
    messages = [{"role": "user", "content": prompt}]
    return BenchmarkTask(uid, title, messages, (), QUESTIONS, constraint, found_files(pictures, folder))


def _jpeg(picture: Picture) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(picture.png), formats=("PNG",)) as image:
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.convert("RGBA").getchannel("A"))
    flat.save(out, "JPEG", quality=95)
    return out.getvalue()

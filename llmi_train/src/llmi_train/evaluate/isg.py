"""A copy of ISG-Bench (Chen et al., arXiv 2411.17188): its queries in, its structural level scored, its input file out.

Read is `ISG-Bench.jsonl` with the pictures it names, relative to it. The structural level is exact and asks nobody: the
answer has texts and pictures in the order of the golden answer, as `ISG-eval.py` compares them. The block, image and
holistic levels are its own script's, which reads the `isg-output.jsonl` written here (`--input_file`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from llmi_schema import ConfigurationError, Constraint, ImageCount, RenderedDocument, Text
from llmi_schema.files import whole, write_whole
from llmi_train.evaluate.benchmark import RULES, BenchmarkTask, Result, found_files, title_of
from llmi_train.evaluate.judging import Mark
from llmi_train.writing import Written

DATA = "ISG-Bench.jsonl"
OUTPUT = "isg-output.jsonl"
_GROUPS = {
    "Style": ("Art Style Transfer", "Scene Attribute Transfer", "Photo Variation", "Portrait Variation"),
    "Progressive": ("Animation Images", "Animation Text-Image", "Attribute Transfer"),
    "3D": ("3D_object", "multi-Perspective Scene Generation"),
    "Decomposition": ("Realistic Object Detection", "Imaginary Object Detection"),
    "Image-Text": ("HowTo", "Scientific"),
    "Temporal": ("Prediction", "painting"),
    "Visual Story": ("visual storytelling text-image", "visual storytelling image", "visual storytelling text"),
    "VQA": ("Object_VQA", "Historical"),
}


@dataclass(frozen=True, slots=True)
class ISG:
    """Attributes:
    items: the lines of its file, by task.
    folder: what pictures are named relative to.
    """

    tasks: tuple[BenchmarkTask, ...]
    digest: str
    folder: Path
    items: dict[str, dict[str, Any]] = field(repr=False)
    name: str = "isg"
    basis: str = RULES

    @classmethod
    def load(cls, path: Path, *, limit: int | None = None) -> ISG:
        """Read a copy: the folder that holds `ISG-Bench.jsonl`, or such a file."""
        file = path / DATA if path.is_dir() else path
        try:
            lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: no file of ISG-Bench ({error})") from error
        tasks: list[BenchmarkTask] = []
        items: dict[str, dict[str, Any]] = {}
        digest = sha256("\n".join(lines).encode())
        for number, line in enumerate(lines[:limit], 1):
            try:
                item = json.loads(line)
                task = _task(item, file.parent)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ConfigurationError(f"{file}, line {number}: no item of ISG-Bench ({error!r})") from error
            if task.id in items:
                raise ConfigurationError(f"{file}, line {number}: the id {task.id} is there twice")
            tasks.append(task)
            items[task.id] = item
        if not tasks:
            raise ConfigurationError(f"{file} holds no items")
        return cls(tuple(tasks), digest.hexdigest()[:16], file.parent, items)

    async def assess(self, task: BenchmarkTask, written: Written) -> Result:
        wanted = [block["type"] for block in self.items[task.id]["Golden"]]
        found = [kind for kind, _ in blocks_of(written.rendered)]
        met = float(found == wanted)
        return Result(task.id, met, met, (Mark("structural", met, f"{_short(found)}; golden is {_short(wanted)}"),))

    def figures(self, results: Sequence[Result]) -> dict[str, Any]:
        """Structural score by ISG's eight groups of categories; a missing document is not counted as a failure."""
        groups: dict[str, list[float]] = {}
        for result in results:
            if result.known:
                groups.setdefault(_group(str(self.items[result.task].get("Category"))), []).append(result.low)
        return {"structural": {name: sum(values) / len(values) for name, values in sorted(groups.items())}}

    def export(self, folder: Path, documents: Iterable[tuple[BenchmarkTask, Written]]) -> Path:
        pictures = folder / "isg-images"
        pictures.mkdir(parents=True, exist_ok=True)
        path = folder / OUTPUT
        with whole(path) as part, part.open("w", encoding="utf-8") as file:
            for task, written in documents:
                output: list[dict[str, Any]] = []
                for kind, content in blocks_of(written.rendered):
                    if isinstance(content, bytes):
                        place = pictures / f"{task.id}_o{sum(one['type'] == 'image' for one in output) + 1}.png"
                        write_whole(place, content)
                        content = str(place.resolve())  # ISG-eval.py takes relative names to be beside its own data
                    output.append({"type": kind, "content": content})
                file.write(json.dumps({**self.items[task.id], "output": output}) + "\n")
        return path


def blocks_of(rendered: RenderedDocument) -> list[tuple[str, str | bytes]]:
    """The document as ISG's blocks: texts, and PNG bytes of delivered pictures. What was not delivered is no block."""
    blocks: list[tuple[str, str | bytes]] = []
    text = ""
    for segment, result in rendered.parts():
        if isinstance(segment, Text):
            text += segment.source
        elif result is not None and result.picture is not None:
            if text.strip():
                blocks.append(("text", text.strip()))
            blocks.append(("image", result.picture.png))
            text = ""
    if text.strip():
        blocks.append(("text", text.strip()))
    return blocks


def _task(item: dict[str, Any], folder: Path) -> BenchmarkTask:
    uid = str(item["id"])
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", uid):
        raise ValueError(f"the id {uid!r} cannot name a file")
    texts: list[str] = []
    files: list[str] = []
    for block in item["Query"]:
        match block:
            case {"type": "text", "content": str(content)}:
                texts.append(content)
            case {"type": "image", "content": str(content)}:
                texts.append(f"(picture {len(files)})")
                files.append(content)
            case _:
                raise ValueError("a block of the query is neither text nor image")
    golden = [block["type"] for block in item["Golden"]]
    number = golden.count("image")
    constraint = Constraint(count=ImageCount.exactly(number) if number else ImageCount.any())
    prompt = [{"role": "user", "content": "\n".join(texts)}]
    return BenchmarkTask(
        uid,
        title_of(texts[0]) if texts else uid,
        prompt,
        (),
        (),
        constraint,
        found_files(files, folder),
    )


def _group(category: str) -> str:
    return next((name for name, members in _GROUPS.items() if category in members), category)


def _short(kinds: Sequence[str]) -> str:
    return " ".join(kinds) or "nothing"

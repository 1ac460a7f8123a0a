"""Completions kept over a run, for its report: one JSON Lines file per kept step, pictures as files beside it.

```
output_dir/completions/step-000010.jsonl      one completion per line, see `Completion`
output_dir/completions/pictures/<sha256>.png
```
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from llmi_reward.integrations.scorer import Scored
from llmi_schema import Picture, RenderedDocument
from llmi_schema.files import write_whole
from llmi_train.recipe import Kept

FOLDER = "completions"
_STEP = re.compile(r"step-(\d+)\.jsonl")


class Completion(BaseModel):
    """One completion and what it was worth.

    Attributes:
        step: the optimiser step it was generated for, from 1.
        prompt: the chat messages; pictures in them are left out.
        completion: the text the model wrote.
        score: the reward, None where there is none, for the `reason`.
        components, contributions: see `llmi_reward.Score`.
        advantage: what the trainer made of the score within its group.
        truncated: it was cut off at the token limit.
        document: what was rendered; None when the completion failed before that.
    """

    model_config = ConfigDict(frozen=True)

    step: int
    prompt: list[dict[str, Any]]
    completion: str
    score: float | None
    components: dict[str, float | None]
    contributions: dict[str, float]
    reason: str | None
    advantage: float
    truncated: bool
    document: RenderedDocument | None = None


class CompletionLog:
    """Writes the completions of some steps, and never more than it was told to."""

    def __init__(self, output_dir: Path, kept: Kept) -> None:
        self._folder = output_dir / FOLDER
        self._kept = kept

    def wants(self, step: int) -> bool:
        """Whether a step, from 1, is kept: the first one and every `every`-th."""
        return self._kept.every > 0 and (step == 1 or step % self._kept.every == 0)

    def keep(
        self,
        step: int,
        scored: Sequence[Scored],
        texts: Sequence[str],
        advantages: Sequence[float],
        cut: Sequence[bool],
    ) -> None:
        """Write one step's first completions, group after group as they lie in the batch."""
        pictures = self._folder / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        lines = []
        for row, text, advantage, truncated in list(zip(scored, texts, advantages, cut, strict=True))[
            : self._kept.rows
        ]:
            rendered = row.sample.rendered if row.sample else None
            completion = Completion(
                step=step,
                prompt=_without_pictures(row.row.prompt),
                completion=text,
                score=row.score.value,
                components=row.score.components,
                contributions=row.score.contributions,
                reason=row.score.reason,
                advantage=advantage,
                truncated=truncated,
                document=rendered,
            )
            value = completion.model_dump(mode="json")
            for picture in _pictures(rendered):
                path = pictures / f"{picture.sha256}.png"
                if not path.exists():
                    write_whole(path, picture.png)
            lines.append(json.dumps(_with_files(value), ensure_ascii=False))
        path = self._folder / f"step-{step:06}.jsonl"
        write_whole(path, "\n".join(lines) + "\n")
        self._thin_out()

    def _thin_out(self) -> None:
        files = sorted(self._folder.glob("step-*.jsonl"))
        if len(files) <= self._kept.steps:
            return
        for path in files[1:-1:2]:
            path.unlink()
        used = {name for path in self._folder.glob("step-*.jsonl") for name in _named(path.read_text("utf-8"))}
        for picture in (self._folder / "pictures").glob("*.png"):
            if picture.name not in used:
                picture.unlink()


def kept_steps(output_dir: Path) -> dict[int, Path]:
    """The kept steps of a run and their files, in order; for `read`."""
    found = {path: _STEP.fullmatch(path.name) for path in (output_dir / FOLDER).glob("step-*.jsonl")}
    return dict(sorted((int(name[1]), path) for path, name in found.items() if name))


def read(path: Path) -> Iterator[Completion]:
    """The completions of a kept step with their pictures. A picture whose file is gone makes its document None."""
    for line in path.read_text(encoding="utf-8").splitlines():
        value = json.loads(line)
        try:
            _with_bytes(value, path.parent / "pictures")
        except OSError:
            value["document"] = None
        yield Completion.model_validate(value)


def _pictures(document: RenderedDocument | None) -> list[Picture]:
    if document is None:
        return []
    return [*document.inputs, *(result.picture for result in document.results if result.picture)]


def _picture_values(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    document = value["document"]
    if document is not None:
        yield from document["inputs"]
        yield from (result["picture"] for result in document["results"] if result["picture"])


def _with_files(value: dict[str, Any]) -> dict[str, Any]:
    for picture in _picture_values(value):
        picture["png"] = f"{picture['sha256']}.png"
    return value


def _with_bytes(value: dict[str, Any], folder: Path) -> None:
    import base64

    for picture in _picture_values(value):
        picture["png"] = base64.b64encode((folder / picture["png"]).read_bytes()).decode()


def _named(text: str) -> list[str]:
    return re.findall(r"\"png\": \"([0-9a-f]{64}\.png)\"", text)


def _without_pictures(prompt: Any) -> list[dict[str, Any]]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [{"role": message["role"], "content": _text(message.get("content"))} for message in prompt]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part.get("type") == "text")
    return str(content or "")


__all__ = ["Completion", "CompletionLog", "Kept", "kept_steps", "read"]

"""The published reward as released, faults included: to compare other rewards with.

Its faults that concern scoring are kept on purpose:

- pictures are counted as the literal `<image>` in the text, where every successful tag became one;
- malformed tags leave no trace; tags that fail where no picture is wanted keep the full count;
- no picture at all earns the best marks for pictures, whatever was asked for;
- question and answer are joined without a fence; the first `<image>` is the first picture, also in the question;
- the first number after a criterion's name counts, of any size, and without one the mark is 1;
- the picture judge's thoughts are read like its answer; judges that are down leave marks that give 1 in all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import ChatModel, picture_part, text_part
from llmi_reward.judges.prompt import question_text
from llmi_reward.leaves import Judge
from llmi_reward.reference import combine, count_score
from llmi_reward.rules.reasons import NOT_RENDERED
from llmi_reward.sample import Sample
from llmi_reward.score import Score
from llmi_schema import MAX_IMAGES, BadTag, ConstraintError, Picture, Tag, Text

_PLACEHOLDER = "<image>"
_NO_MARK = 1

_LLM_TASK = """\
Rate the answer to the question from 1 to 5, for its text and for where and how it asks for images. Write:
Text: <number>
Image: <number>"""
_MLLM_TASK = """\
Rate the images of the answer from 1 to 5, for their quality, for how they fit the text and for how they fit the task. \
Write:
Quality: <number>
Relevance: <number>
Task: <number>"""


@dataclass(frozen=True, slots=True)
class Release(Judge):
    """R = 0.2 s + 0.3 M s + 0.5 L as the release arrives at it. See the module's list."""

    llm: ChatModel = field(repr=False)
    mllm: ChatModel = field(repr=False)
    name: str = "reference"

    async def judge(self, sample: Sample) -> Score:
        if sample.rendered is None:
            return Score.unscored(NOT_RENDERED.reason)
        try:
            wanted = sample.constraint.count.encode()
        except ConstraintError as error:
            return Score.unscored(str(error))
        text, pictures = _flattened(sample)
        question = question_text(sample.prompt)
        count = count_score(wanted, text.count(_PLACEHOLDER), sample.split)
        try:
            said = await self._text_marks(question, text)
            seen = await self._picture_marks(question, text, pictures)
        except ChatError as error:
            return Score(1.0, details={"because": f"a judge did not answer ({error}), for which the release gives 1"})
        marks = dict(zip(("text", "image", "quality", "text_image", "task"), (*said, *seen), strict=True))
        return Score(combine(count, *said, *seen), details={"count": count, "marks": marks})

    async def _text_marks(self, question: str, text: str) -> tuple[int, int]:
        answer = await self.llm.ask(f"{_LLM_TASK}\n\nQuestion: {question}\n\nAnswer: {text}")
        said = re.sub(r"<think>.*?</think>", "", answer.text, flags=re.DOTALL)
        written = _first(said, "Text") if text.replace(_PLACEHOLDER, "").strip() else _NO_MARK
        return written, _first(said, "Image")

    async def _picture_marks(self, question: str, text: str, pictures: list[Picture]) -> tuple[int, int, int]:
        number = text.count(_PLACEHOLDER)
        if number == 0:
            return 5, 5, 5
        if number > MAX_IMAGES:
            return 1, 1, 1
        parts: list[dict[str, Any]] = []
        left = iter(pictures)
        for i, piece in enumerate(f"{_MLLM_TASK}\n\nQuestion: {question}\n\nAnswer: {text}".split(_PLACEHOLDER)):
            if i and (picture := next(left, None)) is not None:
                parts.append(picture_part(picture))
            if piece:
                parts.append(text_part(piece))
        said = (await self.mllm.ask([{"role": "user", "content": parts}])).text
        return _first(said, "Quality"), _first(said, "Relevance"), _first(said, "Task")


def _flattened(sample: Sample) -> tuple[str, list[Picture]]:
    """The text with the placeholder for every tag that worked and nothing for the others, and the pictures."""
    results = {tag.index: result for tag, result in sample.results}
    text: list[str] = []
    pictures: list[Picture] = []
    for segment in sample.parsed.segments:
        match segment:
            case Text():
                text.append(segment.source)
            case Tag() | BadTag() if (picture := results[segment.index].picture) is not None:
                text.append(_PLACEHOLDER)
                pictures.append(picture)
    return "".join(text), pictures


def _first(said: str, name: str) -> int:
    found = re.search(rf"{name}:\s*(\d+)", said)
    return int(found[1]) if found else _NO_MARK

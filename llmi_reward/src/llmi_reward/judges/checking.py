"""One question about one answer, as benchmarks ask it: how far is this criterion met?

All questions about an answer share everything but their last lines, so that a server that caches prefixes reads the
answer and its pictures once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import Answer, Message, text_part
from llmi_reward.chat.structured import read_json
from llmi_reward.judges.fence import Fence
from llmi_reward.judges.prompt import FENCING, _answer, _given, _joined, material, question_text
from llmi_reward.judges.verdict import _object
from llmi_reward.sample import Sample
from llmi_schema import Picture

MET = ("not met", "partly met", "fully met or exceeded")

_TASK = "You check illustrated documents against single criteria, strictly: what a document does not show is not met."


@dataclass(frozen=True, slots=True)
class Question:
    """A criterion, marked with whole numbers from `lowest`.

    Attributes:
        id: tells it from the other criteria of its task.
        text: the criterion.
        scale: what each mark means.
        lowest: the mark that the first of them stands for.
    """

    id: str
    text: str
    scale: tuple[str, ...] = MET
    lowest: int = 0

    @property
    def highest(self) -> int:
        return self.lowest + len(self.scale) - 1

    def share(self, mark: float) -> float:
        """A mark as a share of the highest, from 0 to 1."""
        return (mark - self.lowest) / (self.highest - self.lowest)


def checking_messages(question: Question, sample: Sample, pictures: Mapping[str, Picture] | None) -> list[Message]:
    """Messages that ask for one mark. `pictures` as for `marking_messages`."""
    fence = Fence(material(sample))
    form = f'{{"reason": "<one sentence>", "score": <{question.lowest} to {question.highest}>}}'
    system = "\n\n".join(
        [
            _TASK,
            FENCING.format(mark=fence.mark("answer"), nonce=fence.nonce),
            f"Answer with one JSON object and nothing else: {form}",
        ]
    )
    marks = "\n".join(f"  {mark}: {meaning}" for mark, meaning in enumerate(question.scale, question.lowest) if meaning)
    body = [
        text_part(fence.around("request", question_text(sample.prompt))),
        *_given(fence, sample, pictures),
        *_answer(fence, "answer", sample, pictures),
        text_part(f"{fence.mark('criterion')}\n{question.text}\n{marks}\nGive your mark, as one JSON object."),
    ]
    return [{"role": "system", "content": system}, {"role": "user", "content": _joined(body, pictures is None)}]


def mark_schema(question: Question) -> dict[str, Any]:
    """A reason, then a mark."""
    mark = {"type": "integer", "enum": list(range(question.lowest, question.highest + 1))}
    return _object({"reason": {"type": "string"}, "score": mark})


def read_mark(question: Question, answer: Answer) -> tuple[int, str]:
    """The mark and its reason. Raises `ChatError` "bad_answer" unless it is exactly what was asked for."""
    match read_json(answer):
        # bool is an int to Python, but True is no mark
        case {"reason": str(reason), "score": int(mark), **rest} if not rest and not isinstance(mark, bool):
            if question.lowest <= mark <= question.highest:
                return mark, reason
            raise ChatError("bad_answer", f"the mark is {mark}, not {question.lowest} to {question.highest}")
        case other:
            raise ChatError("bad_answer", f"the verdict is not a reason and a mark: {str(other)[:100]!r}")

"""Which of two answers is better, asked in both orders."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import ChatModel, Message
from llmi_reward.chat.structured import ask_until
from llmi_reward.judges.judge import together, why
from llmi_reward.judges.pictures import DEFAULT_PIXELS, capped
from llmi_reward.judges.prompt import comparing_messages
from llmi_reward.judges.rubric import Rubric
from llmi_reward.judges.verdict import PREFERENCE_SCHEMA, read_preference
from llmi_reward.sample import Sample
from llmi_reward.score import Score

_FIRST, _SECOND, _EQUAL = 1.0, 0.0, 0.5


@dataclass(frozen=True, slots=True)
class PairwiseJudge:
    """Compares two answers to one request.

    ```python
    preference = await PairwiseJudge(chat).compare(first, second)
    preference.value    # 1.0 the first is better, 0.0 the second, 0.5 neither
    ```

    Judges favour a place, so both orders are asked. Where the two disagree, neither answer is better; where one
    brings no verdict, the comparison is unscored.

    Args:
        model: who judges.
        rubric: what is asked; the shipped "pairwise" unless given.
        sees: whether the model is shown the pictures.
        pixels: larger pictures are made smaller, to this many pixels.
    """

    model: ChatModel
    rubric: Rubric = field(default_factory=lambda: Rubric.shipped("pairwise"))
    sees: bool = True
    pixels: int = DEFAULT_PIXELS

    async def compare(self, first: Sample, second: Sample) -> Score:
        """Preference for `first`, from 0 to 1. Both answer the first one's request."""
        pictures = None
        if self.sees:
            rendered = [sample.rendered for sample in (first, second) if sample.rendered]
            everything = [p for r in rendered for p in (*r.inputs, *r.delivered)]
            pictures = await capped(everything, self.pixels)
        orders = ((first, second), (second, first))
        straight, swapped = await together(
            self._ask(comparing_messages(self.rubric, one, other, pictures)) for one, other in orders
        )
        failures = [outcome for outcome in (straight, swapped) if isinstance(outcome, ChatError)]
        if isinstance(straight, ChatError) or isinstance(swapped, ChatError):
            return Score.unscored(why(failures))
        (better, reason), (better_swapped, reason_swapped) = straight, swapped
        votes = _vote(better), 1.0 - _vote(better_swapped)
        details = {"votes": votes, "reasons": (reason, reason_swapped), "rubric": str(self.rubric)}
        agreed = votes[0] == votes[1] or _EQUAL in votes
        return Score(sum(votes) / 2 if agreed else _EQUAL, details=details)

    async def _ask(self, messages: list[Message]) -> tuple[str, str] | ChatError:
        try:
            return await ask_until(read_preference, self.model, messages, schema=PREFERENCE_SCHEMA)
        except ChatError as error:
            return error


def _vote(better: str) -> float:
    return {"first": _FIRST, "second": _SECOND, "equal": _EQUAL}[better]

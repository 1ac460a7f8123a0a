"""`ChatWriter`: asks a language model for rows, one assignment at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from llmi_data.generation.brief import briefs_version, messages, prepared
from llmi_data.generation.draft import Draft, draft_model, problem
from llmi_data.generation.ingredients import Ingredients
from llmi_data.generation.pictures import Pictures
from llmi_data.plan import Assignment
from llmi_data.row import Message, Origin, Row
from llmi_schema import LLMIError

if TYPE_CHECKING:
    from llmi_reward.chat import ChatModel
    from llmi_schema import Picture

OPTIONS: Mapping[str, Any] = {"temperature": 1.0, "max_tokens": 1024}


@dataclass(frozen=True)
class Lost:
    """An assignment that came to nothing, and why: `reason` is for counting, `detail` for reading."""

    assignment: Assignment
    reason: str
    detail: str


class ChatWriter:
    """Rows from any model that answers chat messages.

    A draft that names a tool, or whose labels do not show in its words, goes back to the model with the reason.

    ```python
    async with ChatClient(Endpoint("http://localhost:8000/v1", "Qwen/Qwen3-32B"), journal="answers.sqlite") as chat:
        row = await ChatWriter(chat, "Qwen/Qwen3-32B").write(assignment, seed=0)
    ```

    Args:
        chat: who is asked.
        model: its name, kept with every row: the reader that checks the rows must be another.
        pictures: what users attach in multimodal rows; simple drawings unless given.
        attempts: drafts per row at most.
        options: fields of the requests, over `temperature` 1 and `max_tokens` 1024.
    """

    def __init__(
        self,
        chat: ChatModel,
        model: str,
        *,
        pictures: Pictures | None = None,
        attempts: int = 3,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.chat, self.model, self.attempts = chat, model, attempts
        self.pictures = pictures
        self.options = {**OPTIONS, **(options or {})}

    @property
    def name(self) -> str:
        """The model and the version of its instructions."""
        return f"{self.model} / {briefs_version()}"

    async def write(self, assignment: Assignment, seed: int) -> Row | Lost:
        """One row. The same assignment and seed ask the same, whatever was written before.

        Raises `ChatError` when the model gives no answer, or none in the form asked for.
        """
        from llmi_reward.chat import ask_for

        ingredients, pictures = prepared(assignment, seed, self.pictures)
        asked = messages(assignment, ingredients, pictures)
        model = draft_model(assignment.tools, len(pictures))
        sample = int.from_bytes(sha256(f"{seed}/{assignment}".encode()).digest()[:3], "big")
        wrong = ""
        for _ in range(self.attempts):
            draft = await ask_for(model, self.chat, asked, sample=sample, options=self.options)
            found = problem(draft, assignment)
            if found is None:
                try:
                    return self._row(draft, assignment, ingredients, pictures, seed)
                except (
                    ValidationError,
                    LLMIError,
                ) as error:  # what pydantic finds beyond the form, such as lone surrogates
                    found = str(error)
            wrong = found
            asked = [
                *asked,
                {"role": "assistant", "content": draft.model_dump_json()},
                {"role": "user", "content": f"That cannot be used. {wrong} Write the whole answer again."},
            ]
        return Lost(assignment, _kind(wrong), f"after {self.attempts} drafts: {wrong}")

    def _row(
        self,
        draft: Draft,
        assignment: Assignment,
        ingredients: Ingredients,
        pictures: tuple[Picture, ...],
        seed: int,
    ) -> Row:
        return Row(
            prompt=(Message(role="user", content=draft.request.strip()),),
            images=tuple(picture.png for picture in pictures),
            image_count=assignment.count,
            required_tools=assignment.tools,
            provenance=Origin(
                generator=self.name,
                seed=seed,
                side=assignment.side,
                family=ingredients.occasion,
                topic=" ".join(draft.topic.casefold().split()),
                domain=assignment.domain,
                language=assignment.language,
                needs=draft.needs_of_row,
            ),
        )


def _kind(problem: str) -> str:
    if problem.startswith("The words"):
        return "names a tool"
    return "labels do not show" if "does not occur" in problem else "not usable"

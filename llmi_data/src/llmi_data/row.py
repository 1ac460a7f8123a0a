"""`Row`, the value every step takes and gives, and `Question`, the part of it a blind reader may see."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from llmi_data.scenario import Scenario
from llmi_schema import Constraint, ImageCount, Picture, Provenance

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Side = Literal["train", "test"]
"""Which half of the split a row was composed for."""


class Value(BaseModel):
    """A frozen value whose bytes are base64 in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class Message(Value):
    """One chat message, as TRL and every chat API spell it."""

    role: Literal["system", "user", "assistant"]
    content: str


def _count_code(value: Any) -> Any:
    return ImageCount.decode(value).encode() if isinstance(value, int | str) else value


CountCode = Annotated[int, BeforeValidator(_count_code)]
"""A published count code: -1 none, 0 any, n exactly n, 99 at least one ("inf" is read as 99)."""

Tools = Annotated[tuple[str, ...], AfterValidator(lambda tools: tuple(sorted(set(tools))))]
"""Names of tools, sorted, each once."""


class Question(Value):
    """What a blind reader is given: the conversation and the user's pictures. It has no field for a label."""

    messages: tuple[Message, ...]
    pictures: tuple[bytes, ...] = ()

    @property
    def text(self) -> str:
        """What the user wrote, messages joined by a blank line."""
        return "\n\n".join(m.content for m in self.messages if m.role == "user")


class Reading(Value):
    """What a reader understood: a published count code and the tools the prompt cannot do without."""

    image_count: CountCode
    required_tools: Tools = ()
    note: str = ""
    """Anything the reader wants to say about a prompt that is unclear."""


class Verdict(Reading):
    """A blind reader's reading, kept with the row it was checked against."""

    reader: str
    agrees: bool


class ImplicitVerdict(Value):
    """What a judge thinks of whether the prompt leaves it to the writer how its pictures are made."""

    judge: str
    implicit: bool
    reason: str = ""


class Need(Value):
    """Why a tool is required: the words of the prompt that ask for it, and for `edit` which picture is to be changed.

    `picture` counts the user's pictures from 0; None where a picture of the document itself is to be changed.
    """

    tool: str
    quote: str
    picture: int | None = None


class Origin(Value):
    """Where a row comes from.

    `family` and `topic` are the scenario's groups and `wordings` the ids of the templates used: rows that share
    one of them stay on one side of a split. `scenario` holds the facts behind the prompt, where the generator has
    them. `domain` and `language` are those of the plan's cell. `needs` says why each tool is required, where the
    generator tells.
    """

    generator: str
    seed: int
    side: Side
    family: str
    topic: str
    wordings: tuple[str, ...] = ()
    scenario: Scenario | None = None
    domain: str | None = None
    language: str = "en"
    needs: tuple[Need, ...] = ()


def _png(data: bytes) -> bytes:
    if data[:8] != PNG_SIGNATURE:
        raise ValueError("not a PNG file; re-encode the picture as PNG first")
    return data


def _content_id(data: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    for message in data["prompt"]:
        digest.update(f"{message.role}\0{message.content}\0".encode())
    for image in data["images"]:
        digest.update(hashlib.sha256(image).digest())
    return digest.hexdigest()[:16]


class Row(Value):
    """One prompt with its labels.

    Attributes:
        prompt: the conversation so far; the last message is the user's.
        images: the user's own pictures as PNG bytes, in the order a document numbers them.
        image_count: published code: -1 none, 0 any, n exactly n, 99 at least one ("inf" is read as 99).
        required_tools: tools a right answer must use, sorted.
        id: hash of prompt and images (not of labels), so that two rows asking the same have the same id.
        provenance: where the row comes from.
        verdict: what the blind reader understood; None before validation.
        implicit: what a judge thinks of the prompt's implicitness; None where no judge was asked.

    Raises `llmi_schema.ConstraintError` when no document can meet the labels, pydantic's `ValidationError` otherwise.
    """

    prompt: tuple[Message, ...] = Field(min_length=1)
    images: tuple[Annotated[bytes, AfterValidator(_png)], ...] = ()
    image_count: CountCode
    required_tools: Tools = ()
    id: str = Field(default_factory=_content_id)
    provenance: Origin | None = None
    verdict: Verdict | None = None
    implicit: ImplicitVerdict | None = None

    @model_validator(mode="after")
    def _possible(self) -> Row:
        _ = self.constraint
        return self

    @property
    def constraint(self) -> Constraint:
        """The labels as a constraint on a document."""
        return Constraint(count=ImageCount.decode(self.image_count), required_tools=frozenset(self.required_tools))

    @property
    def question(self) -> Question:
        """The blind view."""
        return Question(messages=self.prompt, pictures=self.images)

    @property
    def messages(self) -> list[dict[str, str]]:
        """The prompt as plain chat messages."""
        return [{"role": m.role, "content": m.content} for m in self.prompt]

    @property
    def text(self) -> str:
        """What the user wrote."""
        return self.question.text

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The user's pictures as values a renderer takes."""
        origin = Provenance(tool="input", provider="user")
        return tuple(Picture.from_png(image, origin) for image in self.images)

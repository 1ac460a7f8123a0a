"""`LocalPolicy`: a transformers model in this process, with or without a LoRA adapter, text only or seeing pictures.

```python
policy = LocalPolicy.load("runs/demo/base", adapter="runs/demo/adapter")
completion = await policy.write(Request([{"role": "user", "content": "A page on lighthouses"}]))
```
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import uuid
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmi_schema import ConfigurationError, LLMIError, Picture
from llmi_train.policies.batching import Batches
from llmi_train.policies.errors import WritingError
from llmi_train.policies.generation import Slot, generate
from llmi_train.policies.local import Writer
from llmi_train.policies.messages import instructed, with_pictures, words
from llmi_train.policies.policy import Completion, Messages, Request

if TYPE_CHECKING:
    from PIL.Image import Image

Outcome = str | Completion | LLMIError


@dataclass
class _Job:
    """A request on its way through the writing thread."""

    row: Slot
    messages: Messages
    pictures: tuple[Picture, ...]
    limit: int
    end: Callable[[Completion | LLMIError], None]


class LocalPolicy:
    """Writes with the model of a `Writer`. Requests that are under way together share batches.

    Args:
        writer: model, tokenizer and limits.
        processor: of a model that sees pictures; without one, pictures are counted for the constraint and not seen.
        identity: what tells this policy from all others; by default it is equal to nothing but itself.
        instruct: teach the tags in a system message where the conversation has none. A model that was trained on the
            tags needs none.
    """

    def __init__(
        self, writer: Writer, *, processor: Any = None, identity: str | None = None, instruct: bool = False
    ) -> None:
        self.writer = writer
        self.processor = processor
        self.instruct = instruct
        self._identity = (
            identity or f"{writer.model.config.name_or_path or 'a model'} in memory {uuid.uuid4().hex[:12]}"
        )
        self._batches = Batches(self._work, writer.batch_size, _kind)

    @classmethod
    def load(
        cls,
        model: str | Path,
        adapter: str | Path | None = None,
        *,
        max_new_tokens: int = 1024,
        batch_size: int = 32,
        instruct: bool = False,
        **settings: Any,
    ) -> Self:
        """Load from a folder or the Hub; `adapter` is a LoRA adapter to put on top.

        Args:
            settings: for `from_pretrained`, such as `device_map`.

        Raises `ConfigurationError` naming what cannot be loaded.
        """
        import transformers

        for place in (model, adapter):
            if place is not None and _is_path(place) and not Path(place).is_dir():
                raise ConfigurationError(
                    f"model: cannot load {str(place)!r}: there is no such folder. `llmi-train demo` leaves a model in "
                    "runs/demo; a server is named NAME@http://host:8000/v1"
                )
        try:
            config = transformers.AutoConfig.from_pretrained(model)
            sees = getattr(config, "vision_config", None) is not None
            kind = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
            loaded = kind.from_pretrained(model, **{"dtype": "auto", **settings})
            processor: Any = None
            if sees:
                from llmi_train.vision import processor_of

                processor = processor_of(str(model), config)
                tokenizer = processor.tokenizer
            else:
                tokenizer = transformers.AutoTokenizer.from_pretrained(model, padding_side="left")
            if adapter is not None:
                from peft import PeftModel

                loaded = PeftModel.from_pretrained(loaded, adapter)
        except (OSError, ValueError) as error:  # what the libraries raise on folders that hold something else
            what = model if adapter is None else f"{model} with {adapter}"
            raise ConfigurationError(f"model: cannot load {str(what)!r}: {str(error).splitlines()[0]}") from error
        identity = " + ".join(_fingerprint(place) for place in (model, adapter) if place is not None)
        writer = Writer(loaded.eval(), tokenizer, max_new_tokens=max_new_tokens, batch_size=batch_size)
        return cls(writer, processor=processor, identity=f"{identity} x{max_new_tokens}", instruct=instruct)

    @property
    def identity(self) -> str:
        return f"{self._identity}{' instructed' if self.instruct else ''}"

    async def write(self, request: Request) -> Completion:
        """The whole document. Raises `WritingError` or `ConstraintError` when there is none."""
        async with contextlib.aclosing(self.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    return piece
        raise WritingError("the model ended without an answer")

    async def stream(self, request: Request) -> AsyncGenerator[str | Completion]:
        """Pieces of text as they are written, then the completion. Closing it ends the row at its next token."""
        loop = asyncio.get_running_loop()
        outcomes: asyncio.Queue[Outcome] = asyncio.Queue()

        def tell(outcome: Outcome) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone, and nobody is waiting then
                loop.call_soon_threadsafe(outcomes.put_nowait, outcome)

        row = Slot(request.temperature, request.seed, request.constraint, tell)
        messages = request.messages
        if self.instruct:
            messages = instructed(messages, request.constraint, len(request.pictures))
        limit = request.max_tokens or self.writer.max_new_tokens
        self._batches.add(_Job(row, messages, request.pictures, limit, tell))
        try:
            while True:
                outcome = await outcomes.get()
                if isinstance(outcome, LLMIError):
                    raise outcome
                yield outcome
                if isinstance(outcome, Completion):
                    return
        finally:
            row.stopped.set()

    async def aclose(self) -> None:
        """Wait for what is being written; a request that was given up ends at its next token."""
        await asyncio.to_thread(self._batches.join)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"LocalPolicy({self.identity!r})"

    def _work(self, jobs: list[_Job]) -> None:
        """In the writing thread: write them together; where that fails, each alone."""
        jobs = [job for job in jobs if not job.row.stopped.is_set() and self._possible(job)]
        if not jobs:
            return
        try:
            batch = self._encode(jobs)
            rows = [job.row for job in jobs]
            completions = generate(self.writer.model, self.writer.tokenizer, batch, rows, jobs[0].limit)
        except Exception as error:  # noqa: BLE001 - whatever a model raises belongs to its requests, not to this thread
            if len(jobs) > 1 and not any(job.row.begun for job in jobs):
                for job in jobs:
                    self._work([job])
                return
            problem = error if isinstance(error, LLMIError) else WritingError(f"the model could not write: {error}")
            for job in jobs:
                job.end(problem)
        else:
            for job, completion in zip(jobs, completions, strict=True):
                job.end(completion)

    def _possible(self, job: _Job) -> bool:
        """Whether the constraint can be met at all; if not, its request alone hears of it."""
        if job.row.constraint is None:
            return True
        from llmi_schema.decoding import DocumentProcessor

        width = self.writer.model.get_output_embeddings().weight.shape[0]
        try:
            DocumentProcessor(self.writer.tokenizer, width, [job.row.constraint], job.limit)
        except LLMIError as error:
            job.end(error)
            return False
        return True

    def _encode(self, jobs: Sequence[_Job]) -> Any:
        """What the model takes: padded on the left, on its device."""
        if self.processor is None:
            ids = [self.writer.encode(words(job.messages)) for job in jobs]
            batch = self.writer.tokenizer.pad({"input_ids": ids}, padding=True, return_tensors="pt")
        else:
            texts = [
                self.processor.apply_chat_template(
                    _structured(with_pictures(job.messages, job.pictures, lambda _: {"type": "image"})),
                    tokenize=False,
                    add_generation_prompt=True,
                )
                for job in jobs
            ]
            images = [[_image(picture) for picture in job.pictures] for job in jobs] if jobs[0].pictures else None
            batch = self.processor(text=texts, images=images, padding=True, return_tensors="pt")
        return batch.to(self.writer.model.device)


def _kind(job: _Job) -> Hashable:
    """Rows of one batch have one limit, and are all constrained or none, all with pictures or none."""
    return job.limit, job.row.constraint is not None, bool(job.pictures)


def _structured(messages: Messages) -> Messages:
    """Every content a list of parts, as templates of models with pictures expect them."""
    return [
        {**message, "content": [{"type": "text", "text": message["content"]}]}
        if isinstance(message["content"], str)
        else message
        for message in messages
    ]


def _image(picture: Picture) -> Image:
    from PIL import Image

    return Image.open(io.BytesIO(picture.png)).convert("RGB")


def _is_path(place: str | Path) -> bool:
    """Whether it can only be a folder: the Hub's names have at most one slash."""
    return isinstance(place, Path) or place.count("/") > 1 or place.startswith((".", "/", "~"))


def _fingerprint(place: str | Path) -> str:
    """A folder's path and the state of its files, which change when it is trained again; a Hub name as it is."""
    folder = Path(place)
    if not folder.is_dir():
        return str(place)
    digest = sha256()
    for file in sorted(folder.iterdir()):
        if file.is_file():
            stat = file.stat()
            digest.update(f"{file.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return f"{folder}#{digest.hexdigest()[:12]}"

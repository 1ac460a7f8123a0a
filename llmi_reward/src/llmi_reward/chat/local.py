"""`TransformersChat`: a `ChatModel` in this process, its answers held to their schema by outlines."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from base64 import b64decode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self

from llmi_reward.chat.client import DEFAULT_OPTIONS
from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import Answer, JsonSchema, Message, Usage, as_messages
from llmi_schema import ConfigurationError, SystemRequirementError

_OPTIONS = frozenset({"max_tokens", "max_completion_tokens", "temperature", "top_p", "seed"})
_PNG = "data:image/png;base64,"


class TransformersChat:
    """Any transformers model, text or vision.

    ```python
    chat = TransformersChat.load("Qwen/Qwen3-4B-Instruct-2507", device_map="auto")
    answer = await chat.ask("Name a river.")
    ```

    One answer is generated at a time; for many, serve the model and use `ChatClient`. A caller that is cancelled
    stops the generation at its next token.

    Args:
        model: a causal or image-text-to-text model, on its device.
        processor: its tokenizer, or its processor when it sees pictures.
        options: defaults for `max_tokens` (1024), `temperature` (0), `top_p` and `seed`.
        longest_string: characters in a string of an answer by a schema, where the schema has no bound: without one
            a model may never come to the end of a reason.
        name: what `Answer.model` says.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        options: Mapping[str, Any] | None = None,
        longest_string: int = 300,
        name: str | None = None,
    ) -> None:
        try:
            import outlines
        except ImportError:
            raise SystemRequirementError("a judge in this process needs: pip install 'llmi-reward[local]'") from None
        self.options = {**DEFAULT_OPTIONS, **(options or {})}
        self.longest_string = longest_string
        self.name = name or str(getattr(model.config, "name_or_path", "")) or type(model).__name__
        self.sees = hasattr(processor, "image_processor")
        self._tokenizer = processor.tokenizer if self.sees else processor
        self._model = outlines.from_transformers(model, processor)
        self._generators: dict[str, Any] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="transformers chat")

    @classmethod
    def load(
        cls,
        name: str,
        *,
        sees: bool = False,
        options: Mapping[str, Any] | None = None,
        longest_string: int = 300,
        **settings: Any,
    ) -> Self:
        """Load a model by name or path. `settings` go to `from_pretrained` (`device_map`, `dtype`, ...)."""
        import transformers

        kind = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
        processor = transformers.AutoProcessor if sees else transformers.AutoTokenizer
        return cls(
            kind.from_pretrained(name, **settings),
            processor.from_pretrained(name),
            options=options,
            longest_string=longest_string,
            name=name,
        )

    async def ask(
        self,
        messages: str | Sequence[Message],
        *,
        schema: JsonSchema | None = None,
        sample: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One answer; see `ChatModel.ask`. Raises `ChatError` "rejected" for pictures where the model sees none."""
        chosen = {name: value for name, value in {**self.options, **(options or {})}.items() if value is not None}
        if unknown := chosen.keys() - _OPTIONS:
            raise ConfigurationError(f"{self!r} does not know the options {', '.join(sorted(unknown))}")
        chosen["seed"] = chosen.get("seed", 0) + sample
        chat = [self._message(message) for message in as_messages(messages)]
        stop = threading.Event()
        work = partial(self._generate, chat, schema, chosen, stop)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except asyncio.CancelledError:
            stop.set()
            raise

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(cancel_futures=True)

    def __repr__(self) -> str:
        return f"TransformersChat({self.name!r})"

    def _generate(
        self,
        messages: list[dict[str, Any]],
        schema: JsonSchema | None,
        options: Mapping[str, Any],
        stop: threading.Event,
    ) -> Answer:
        import torch
        from outlines.inputs import Chat

        limit = int(options.get("max_completion_tokens", options.get("max_tokens", 1024)))
        arguments: dict[str, Any] = {"max_new_tokens": limit, "do_sample": False}
        if (temperature := float(options.get("temperature", 0.0))) > 0:
            arguments |= {"do_sample": True, "temperature": temperature, "top_p": float(options.get("top_p", 1.0))}
        generator = self._generator(schema)
        with torch.random.fork_rng():
            torch.manual_seed(int(options["seed"]))
            text = str(generator(Chat(messages), stopping_criteria=[lambda *_, **__: stop.is_set()], **arguments))
        tokens = len(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        prompt = self._tokenizer.apply_chat_template(_as_text(messages), tokenize=False, add_generation_prompt=True)
        usage = Usage(len(self._tokenizer(prompt)["input_ids"]), tokens)
        return Answer(text, usage, "length" if tokens >= limit else "stop", self.name)

    def _generator(self, schema: JsonSchema | None) -> Any:
        import outlines

        if schema is None:
            return outlines.Generator(self._model)
        # Free white space between tokens of JSON is where weak models lose themselves.
        text = json.dumps({"x-guidance": {"whitespace_flexible": False}, **bounded(schema, self.longest_string)})
        if text not in self._generators:
            form = outlines.types.JsonSchema(text)
            self._generators[text] = outlines.Generator(self._model, form, backend="llguidance")
        return self._generators[text]

    def _message(self, message: Message) -> dict[str, Any]:
        content = message["content"]
        if not self.sees:
            return {"role": message["role"], "content": content if isinstance(content, str) else self._words(content)}
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return {"role": message["role"], "content": [_part(part) for part in parts]}

    def _words(self, parts: Sequence[Mapping[str, Any]]) -> str:
        if any(part["type"] != "text" for part in parts):
            raise ChatError("rejected", f"{self!r} sees no pictures: use a vision model, and its processor")
        return "\n".join(part["text"] for part in parts)


def bounded(schema: Any, longest: int) -> Any:
    """The schema with a length for every string that has none."""
    if isinstance(schema, list):
        return [bounded(item, longest) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    result = {key: bounded(value, longest) for key, value in schema.items()}
    if result.get("type") == "string" and not result.keys() & {"enum", "const", "maxLength", "pattern", "format"}:
        result["maxLength"] = longest
    return result


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """A content part as outlines has it."""
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    url = part.get("image_url", {}).get("url", "")
    if not url.startswith(_PNG):
        raise ChatError("rejected", "pictures are given as PNG in the request")
    from outlines.inputs import Image
    from PIL import Image as Pillow

    return {"type": "image", "image": Image(Pillow.open(io.BytesIO(b64decode(url[len(_PNG) :]))))}


def _as_text(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages without their pictures."""
    return [
        m if isinstance(m["content"], str) else {**m, "content": "\n".join(p.get("text", "") for p in m["content"])}
        for m in messages
    ]

"""Request parameters that make a server write documents only, and a probe that tells whether it does.

```python
parameters = request_parameters("vllm", RowConstraint(ImageCount.exactly(2)))
client.chat.completions.create(model=..., messages=..., **parameters)
```
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Literal

from llmi_schema.errors import ConfigurationError
from llmi_schema.grammar import ANY_DOCUMENT, RowConstraint, document_grammar
from llmi_schema.schemas import segment_schema

Engine = Literal["vllm", "sglang", "openai"]


def request_parameters(engine: Engine, row: RowConstraint = ANY_DOCUMENT) -> dict[str, Any]:
    """Keyword arguments for an OpenAI client's `chat.completions.create`.

    `vllm` (0.12 or later) and `sglang` are sent the grammar; the answer is a document as it stands. `openai` is any
    endpoint with strict JSON schemas: the answer goes through `document_from_segments`, and only the shape of the
    calls is enforced, not the count, so `repair` it.

    A server's `max_tokens` knows nothing of the grammar: end an answer that was cut off with `close`.
    """
    match engine:
        case "vllm" | "sglang":
            return _grammar_parameters(engine, document_grammar(row).ebnf)
        case "openai":
            return _schema_parameters("document", segment_schema(row.language))
        case _:
            raise ConfigurationError(f'{engine!r} is no engine: use "vllm", "sglang" or "openai"')


@dataclass(frozen=True)
class Probe:
    """One request that tells whether a server enforces constraints: `enforced(answer)` after sending `parameters`.

    Older servers silently ignore what they do not know. The probe allows a single word made up for it, which no
    model says of itself.
    """

    messages: list[dict[str, str]]
    parameters: dict[str, Any]
    word: str

    def enforced(self, answer: str) -> bool:
        """Whether the server's answer is the one the probe allows."""
        return self.word in answer and len(answer) <= len(self.word) + len('{"answer": ""}') + 8


def probe(engine: Engine) -> Probe:
    """A fresh probe; send it once before trusting a server."""
    word = f"probe-{secrets.token_hex(6)}"
    if engine == "openai":
        schema = {
            "type": "object",
            "properties": {"answer": {"type": "string", "enum": [word]}},
            "required": ["answer"],
            "additionalProperties": False,
        }
        parameters = _schema_parameters("probe", schema)
    else:
        parameters = _grammar_parameters(engine, f'root ::= "{word}"\n')
    messages = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
    return Probe(messages, {**parameters, "max_tokens": 64}, word)


def _grammar_parameters(engine: Engine, ebnf: str) -> dict[str, Any]:
    return {"extra_body": {"structured_outputs": {"grammar": ebnf}} if engine == "vllm" else {"ebnf": ebnf}}


def _schema_parameters(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}}

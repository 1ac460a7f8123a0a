"""`Writer`: a transformers policy that writes documents for prompts, freely or under a constraint.

Given a tokenizer and a model (with or without a LoRA adapter on it), `complete` turns chat prompts into text and
`write` goes on to run the tags:

```python
writer = Writer.load("runs/demo/base", adapter="runs/demo/adapter")
text = writer.complete([[{"role": "user", "content": "..."}]])[0].text
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmi_schema import Picture, RenderedDocument, RowConstraint, parse
from llmi_train.policies.policy import Completion, Messages

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from llmi_sandbox import Toolkit


class Writer:
    """Writes completions in batches, left-padded, longest prompts together.

    Args:
        model: a causal language model, ready for generation on its device.
        tokenizer: with a chat template and a padding token.
        max_new_tokens: the longest completion.
        batch_size: how many prompts are generated at once.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_new_tokens: int = 1024,
        batch_size: int = 32,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.max_new_tokens = max_new_tokens
        self.batch_size = batch_size

    @classmethod
    def load(cls, model: str | Path, adapter: str | Path | None = None, **settings: Any) -> Self:
        """Load from a folder or the Hub; `adapter` is a LoRA adapter to put on top."""
        from transformers import AutoModelForCausalLM, AutoTokenizer

        policy = AutoModelForCausalLM.from_pretrained(model, dtype="auto")
        if adapter is not None:
            from peft import PeftModel

            policy = PeftModel.from_pretrained(policy, adapter)
        return cls(policy.eval(), AutoTokenizer.from_pretrained(model, padding_side="left"), **settings)

    def complete(
        self,
        prompts: Sequence[Messages],
        *,
        temperature: float = 0.0,
        seed: int = 0,
        constraints: Sequence[RowConstraint] | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> list[Completion]:
        """One completion per prompt, in order.

        Args:
            temperature: 0 takes the likeliest token; above 0 samples, reproducibly for a seed.
            constraints: one per prompt; only documents that satisfy them can be written.
            progress: called with the number of prompts done after each batch.
        """
        import torch

        torch.manual_seed(seed)
        encoded = [self.encode(prompt) for prompt in prompts]
        completions: dict[int, Completion] = {}
        for batch in self._batches(encoded):
            allowed = [constraints[i] for i in batch] if constraints is not None else None
            written = self._generate([encoded[i] for i in batch], temperature, allowed)
            completions.update(zip(batch, written, strict=True))
            progress(len(completions))
        return [completions[i] for i in range(len(prompts))]

    async def write(
        self,
        prompt: str | Messages,
        toolkit: Toolkit,
        pictures: Sequence[Picture] = (),
        *,
        constrain: bool = True,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> RenderedDocument:
        """One document, its tags run.

        Args:
            pictures: the user's own; edits may work on them.
            constrain: force the syntax of tags, so that none is invalid.
        """
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        constraints = [RowConstraint(input_images=len(pictures))] if constrain else None
        (completion,) = await asyncio.to_thread(
            self.complete, [messages], temperature=temperature, seed=seed, constraints=constraints
        )
        return await toolkit.render(parse(completion.text, len(pictures)), pictures)

    def encode(self, prompt: Messages) -> list[int]:
        """The tokens of a conversation, up to where the answer begins."""
        text = self.tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _batches(self, encoded: Sequence[list[int]]) -> Iterator[list[int]]:
        """Indices of prompts of similar length, so that little is padded."""
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def _generate(
        self, prompts: list[list[int]], temperature: float, constraints: Sequence[RowConstraint] | None
    ) -> list[Completion]:
        import torch
        from transformers import LogitsProcessorList

        batch = self.tokenizer.pad({"input_ids": prompts}, padding=True, return_tensors="pt").to(self.model.device)
        processors = LogitsProcessorList()
        if constraints is not None:
            from llmi_schema.decoding import DocumentProcessor

            vocabulary = self.model.get_output_embeddings().weight.shape[0]
            processors.append(DocumentProcessor(self.tokenizer, vocabulary, constraints, self.max_new_tokens))
        sampling: dict[str, Any] = (
            {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
        )
        with torch.inference_mode():
            output = self.model.generate(
                **batch, max_new_tokens=self.max_new_tokens, logits_processor=processors, **sampling
            )
        return [self._completion(row) for row in output[:, batch["input_ids"].shape[1] :].tolist()]

    def _completion(self, ids: list[int]) -> Completion:
        end = self.tokenizer.eos_token_id
        finished = end in ids
        kept = ids[: ids.index(end)] if finished else ids
        return Completion(self.tokenizer.decode(kept, skip_special_tokens=True), finished, len(kept))

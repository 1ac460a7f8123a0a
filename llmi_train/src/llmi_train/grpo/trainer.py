"""TRL's `GRPOTrainer` with what documents with pictures need. Imported only where a trainer runs.

| added | why |
|---|---|
| a completion is scored while others are still written | tools and judges wait for networks, not for this machine |
| a row without a score is out of the loss, not only of its group | TRL 1.16 keeps its tokens in the loss's normaliser |
| constrained rollouts, row by row | TRL knows one constraint for all, and on vLLM only |
| checkpoints are sealed before older ones go | a kill during a save must cost no more than the steps since the last |
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import LogitsProcessorList, StoppingCriteria, StoppingCriteriaList
from trl import GRPOTrainer
from trl.trainer.utils import nanstd

from llmi_train.grpo.completions import CompletionLog
from llmi_train.grpo.constrained import SomeRows, row_constraints
from llmi_train.grpo.scoring import Begun, Scoring
from llmi_train.recipe import Constrain
from llmi_train.sealing import Sealing

_LOOK_EVERY = 16
"""Tokens between two looks at which rows have ended: each look waits for the GPU."""

_NORMALISED_BY_ROWS = frozenset({"grpo", "sapo", "dr_grpo", "luspo"})
"""Losses that are a mean over the rows of a batch; the others count tokens, of which a masked row has none."""


class DocumentTrainer(Sealing, GRPOTrainer):
    """TRL's trainer; see the table above.

    Args:
        scoring: the reward, when it can be begun early; it must be the one reward function.
        constrain: what rollouts may not write, unless a row says so itself.
        kept: where completions are kept for the report.
        settings: those of `GRPOTrainer`.
    """

    def __init__(
        self,
        *,
        scoring: Scoring | None = None,
        constrain: Constrain = "none",
        kept: CompletionLog | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self._scoring = scoring
        self._constrain = constrain
        self._kept = kept
        self._batch: list[dict[str, Any]] = []
        self._missing = torch.zeros(0, dtype=torch.bool)
        self._written: list[list[int]] = []
        logging.getLogger("trl.trainer.grpo_trainer").addFilter(_not_the_whole_row)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._batch = inputs
        try:
            output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        finally:
            if self._scoring is not None:
                self._scoring.forget()
        self._leave_out_missing(output)
        self._keep_completions(output)
        return output

    def _generate_single_turn(self, prompt_ids: Any, *args: Any, **settings: Any) -> Any:
        if self.use_vllm or self.use_transformers_continuous_batching:
            return super()._generate_single_turn(prompt_ids, *args, **settings)
        with self._watched_generation():
            return super()._generate_single_turn(prompt_ids, *args, **settings)

    def _generate(self, prompts: list[Any]) -> Any:
        written = super()._generate(prompts)
        self._written = written[1]
        self._begin(dict(enumerate(self._written)))  # what is not begun yet: cut off, or written by vLLM
        return written

    def _calculate_rewards(self, *args: Any) -> Any:
        rewards = super()._calculate_rewards(*args)
        self._missing = torch.isnan(rewards).all(dim=1)
        if self._missing.any():
            self._recount_without_signal(rewards)
        return rewards

    @contextmanager
    def _watched_generation(self) -> Iterator[None]:
        """For the time of one `generate`: constraints on some rows, and a look at every row that ends.

        TRL passes `generate` nothing of the kind, so the model's method is wrapped.
        """
        constraint = self._constraint()
        watch = _Watch(self._begin, self.eos_token_ids)
        model = self.accelerator.unwrap_model(self.model_wrapped)
        generate = model.generate

        def watched(**settings: Any) -> Any:
            if constraint is not None:
                settings["logits_processor"] = LogitsProcessorList([constraint])
            if self._scoring is not None:
                settings["stopping_criteria"] = StoppingCriteriaList([watch])
            return generate(**settings)

        model.generate = watched
        try:
            yield
        finally:
            del model.generate
        if constraint is not None:
            self._log_constraint(constraint)

    def _constraint(self) -> SomeRows | None:
        rows = row_constraints(self._batch, self._constrain)
        if not any(rows):
            return None
        return SomeRows(
            self._tokenizer,
            self.model.config.get_text_config().vocab_size,  # under ZeRO-3 the weights themselves are elsewhere
            rows,
            self.max_completion_length,
            temperature=self.temperature,
            ends=self.eos_token_ids,
        )

    def _log_constraint(self, constraint: SomeRows) -> None:
        for number in constraint.log_ratio.tolist():
            self._log_metric("constraint/log_ratio", number)
        self._log_metric("constraint/rows", len(constraint.places) / len(self._batch))

    def _begin(self, written: Mapping[int, Sequence[int]]) -> None:
        scoring = self._scoring
        if scoring is None:
            return
        new = {number: tokens for number, tokens in written.items() if not scoring.has_begun(number)}
        if new:
            texts = self.processing_class.batch_decode(list(new.values()), skip_special_tokens=True)
            completions = [Begun(n, self._batch[n], text, new[n]) for n, text in zip(new, texts, strict=True)]
            scoring.begin(completions, self.async_loop)

    def _leave_out_missing(self, output: dict[str, Any]) -> None:
        """Make rows without a score count for nothing, as if they had been dropped before the loss."""
        missing = self._missing
        if not missing.any():
            return
        first = self.accelerator.process_index * len(self._batch)
        mine = missing[first : first + len(self._batch)].to(output["completion_mask"].device)
        output["completion_mask"] = output["completion_mask"] * (~mine).unsqueeze(1).int()
        tokens = output["completion_mask"] * output.get("tool_mask", 1)
        output["num_items_in_batch"] = self.accelerator.gather(tokens.sum()).sum()
        if self.loss_type in _NORMALISED_BY_ROWS and not missing.all():
            output["advantages"] = output["advantages"] * (len(missing) / int((~missing).sum()))

    def _recount_without_signal(self, rewards: Any) -> None:
        """A group with fewer than two scores teaches nothing; TRL counts its unknown deviation as some."""
        size = self.num_generations if self.model.training else self.num_generations_eval
        deviation = nanstd(rewards.nansum(dim=1).masked_fill(self._missing, torch.nan).view(-1, size), dim=1)
        silent = torch.isnan(deviation) | torch.isclose(deviation, torch.zeros_like(deviation))
        self._log_metric("groups/without_signal", silent.float().mean().item())

    def _keep_completions(self, output: dict[str, Any]) -> None:
        step = self.state.global_step + 1
        if self._kept is None or self._scoring is None or not self.model.training or not self._kept.wants(step):
            return
        if self.accelerator.is_main_process:
            texts = self.processing_class.batch_decode(self._written, skip_special_tokens=True)
            cut = [not tokens or tokens[-1] not in self._scoring.end_tokens for tokens in self._written]
            self._kept.keep(step, self._scoring.last, texts, output["advantages"].tolist(), cut)


class _Watch(StoppingCriteria):
    """Stops nothing; every few tokens, reports the rows whose end token has come."""

    def __init__(self, ended: Callable[[Mapping[int, Sequence[int]]], None], ends: Sequence[int]) -> None:
        self._ended = ended
        self._ends = frozenset(ends)
        self._prompt = -1
        self._going: list[int] = []
        self._none_stops: Any = None

    def __call__(self, input_ids: Any, scores: Any, **settings: Any) -> Any:
        if self._prompt < 0:
            self._prompt = input_ids.shape[1] - 1
            self._going = list(range(input_ids.shape[0]))
            self._none_stops = torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
        written = input_ids.shape[1] - self._prompt
        if written % _LOOK_EVERY == 0:
            recent = input_ids[:, -_LOOK_EVERY:].tolist()
            if ended := [row for row in self._going if not self._ends.isdisjoint(recent[row])]:
                self._going = [row for row in self._going if row not in ended]
                self._ended({row: self._until_end(input_ids[row, self._prompt :].tolist()) for row in ended})
        return self._none_stops

    def _until_end(self, tokens: list[int]) -> list[int]:
        return tokens[: 1 + next(place for place, token in enumerate(tokens) if token in self._ends)]


def _not_the_whole_row(record: logging.LogRecord) -> bool:
    """TRL logs everything about the first row without a score, pictures included; `Scorer` logs the reasons."""
    return "All reward functions returned None" not in str(record.msg)

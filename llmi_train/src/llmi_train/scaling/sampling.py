"""Stage 1: several candidates, by stochastic sampling."""

from __future__ import annotations

from dataclasses import dataclass

from llmi_reward.chat import ChatModel
from llmi_reward.judges import MLLMJudge, Rubric
from llmi_schema import ConfigurationError, RowConstraint
from llmi_train.policies import Request
from llmi_train.scaling.candidate import Candidate, Candidates
from llmi_train.scaling.errors import ScalingError
from llmi_train.scaling.fitness import fitness
from llmi_train.scaling.run import Run
from llmi_train.scaling.stage import Outcome, judge_name


@dataclass(frozen=True, slots=True)
class Enough:
    """When to stop sampling: a candidate that satisfies the constraint and gets such marks is the answer.

    Attributes:
        model: gives the marks, by `rubric`; it sees the pictures.
        marks: from 0 to 1, the rubric's weighted mean.
    """

    model: ChatModel
    marks: float = 0.95
    rubric: Rubric | None = None

    async def of(self, candidate: Candidate, run: Run) -> bool:
        if not fitness(candidate, run.question.constraint).satisfied:
            return False
        judge = MLLMJudge(run.chat(self.model), self.rubric or Rubric.shipped("mllm"))
        marks = (await judge.judge(candidate.sample(run.question))).value
        return marks is not None and marks >= self.marks


@dataclass(frozen=True, slots=True)
class Sample:
    """`n` candidates from the policy, with the seeds `first_seed`, `first_seed + 1`, ...

    More candidates contain fewer: those of n = 2 are the first two of n = 4. The first comes first.

    Args:
        temperature: at 0 all candidates are alike.
        max_tokens: the longest document; the policy's own limit unless given.
        constrain: hold the policy to the syntax of tags and to the constraint's number of pictures.
        enough: sample in waves of `wave`, and no further once a candidate is good enough. It alone is handed on.
    """

    n: int
    temperature: float = 1.0
    first_seed: int = 0
    max_tokens: int | None = None
    constrain: bool = False
    enough: Enough | None = None
    wave: int = 2
    name: str = "sample"

    def __post_init__(self) -> None:
        if self.n < 1 or self.wave < 1:
            raise ConfigurationError(f"n={self.n}, wave={self.wave}: at least one candidate must be sampled")

    async def __call__(self, candidates: Candidates, run: Run) -> Outcome:
        """Raises `ScalingError` when every candidate failed for another reason than the allowance."""
        found = list(candidates)
        seeds = range(self.first_seed, self.first_seed + self.n)
        wave = self.wave if self.enough else self.n
        tried = 0
        for start in range(0, self.n, wave):
            fresh = await run.each(seeds[start : start + wave], lambda seed: run.candidate(self._request(seed, run)))
            tried += len(fresh)
            new = [candidate for candidate in fresh if candidate is not None]
            found += new
            if self.enough is not None and (good := await self._good(self.enough, new, run)):
                note = f"seed {good.seed} is good enough: {tried} of {self.n} were sampled"
                return Outcome((good,), judge=judge_name(self.enough.model), notes=(note,))
            if run.stopped:
                break
        if not found and not run.stopped:
            reason = run.failures[0] if run.failures else "no reason is known"
            raise ScalingError(f"none of {tried} candidates could be written: {reason}")
        failed = tried - (len(found) - len(candidates))
        return Outcome(tuple(found), notes=(f"{failed} of {tried} candidates are missing",) if failed else ())

    async def _good(self, enough: Enough, candidates: list[Candidate], run: Run) -> Candidate | None:
        verdicts = await run.each(candidates, lambda candidate: enough.of(candidate, run))
        return next((c for c, good in zip(candidates, verdicts, strict=True) if good), None)

    def _request(self, seed: int, run: Run) -> Request:
        question = run.question
        held = None
        if self.constrain:
            wanted = question.constraint
            held = RowConstraint(
                wanted.count,
                len(question.pictures),
                run.language,
                required_tools=wanted.required_tools,
            )
        return Request(
            question.messages,
            question.pictures,
            temperature=self.temperature,
            seed=seed,
            max_tokens=self.max_tokens,
            constraint=held,
        )

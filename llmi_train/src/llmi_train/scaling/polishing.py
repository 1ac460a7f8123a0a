"""Stage 5, optional: the policy goes over the best document once more."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmi_reward.chat import ChatModel
from llmi_reward.judges import PairwiseJudge, Rubric
from llmi_train.policies import Request
from llmi_train.scaling.candidate import Candidate, Candidates
from llmi_train.scaling.fitness import fitness
from llmi_train.scaling.run import Run
from llmi_train.scaling.stage import Outcome, changed, judge_name, unchanged

INSTRUCTION = """\
Go over your answer once more: mend mistakes, tighten the wording, and make sure that text and pictures fit each \
other. Keep every <imgen> tag exactly as it is unless it is wrong. Answer with the whole document and nothing else."""


@dataclass(frozen=True, slots=True)
class Polish:
    """Asks the policy to better its own document, at temperature 0.

    What it answers is taken only if it is no less fit (`fitness`), and the model, asked in both orders, prefers it.

    Args:
        model: compares; see `PairwiseJudge`.
    """

    model: ChatModel
    instruction: str = INSTRUCTION
    max_tokens: int | None = None
    sees: bool = True
    rubric: Rubric | None = None
    name: str = "polish"

    async def __call__(self, candidates: Candidates, run: Run) -> Outcome:
        if not candidates:
            return unchanged(candidates)
        best = candidates[0]
        (outcome,) = await run.each([best], lambda candidate: self._polish(candidate, run))
        judge = judge_name(self.model)
        if outcome is None:
            return unchanged(candidates, "no polished document could be had")
        polished, preference, why = outcome
        if polished is None:
            return Outcome(candidates, before=preference, after=preference, judge=judge, notes=(why,))
        return Outcome((polished, *candidates), before=1 - preference, after=preference, judge=judge, notes=(why,))

    async def _polish(self, best: Candidate, run: Run) -> tuple[Candidate | None, float, str]:
        """What is taken, if it is; the preference for it, or for what was there."""
        question = run.question
        answered = {"role": "assistant", "content": best.rendered.document.source}
        asked = {"role": "user", "content": self.instruction}
        request = Request([*question.messages, answered, asked], question.pictures, max_tokens=self.max_tokens)
        fresh = await run.candidate(request, known=best.rendered)
        fresh = replace(fresh, seed=best.seed, history=(*best.history, self.name))
        if not changed(best, fresh):
            return None, 0.5, "nothing was changed"
        if fitness(fresh, question.constraint).value < fitness(best, question.constraint).value:
            return None, 0.5, "refused: fewer wishes are satisfied"
        judge = PairwiseJudge(run.chat(self.model), self.rubric or Rubric.shipped("pairwise"), self.sees)
        first, second = sorted((best, fresh), key=lambda c: c.digest)  # one order, whichever is the new one
        score = await judge.compare(first.sample(question), second.sample(question))
        if score.value is None:
            return None, 0.5, f"refused: no verdict ({score.reason})"
        preference = score.value if first is fresh else 1.0 - score.value
        if preference <= 0.5:
            return None, 1.0 - preference, "refused: not better"
        return fresh, preference, "taken"

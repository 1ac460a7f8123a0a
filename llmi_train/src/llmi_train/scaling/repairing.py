"""Stage 3a: code that fails is repaired."""

from __future__ import annotations

from dataclasses import dataclass

from llmi_reward.chat import ChatModel
from llmi_schema import CodeCall, CodeParams, Tag
from llmi_train.scaling.candidate import Candidate, Candidates
from llmi_train.scaling.fitness import fitness
from llmi_train.scaling.repair import REPAIRABLE, Repair, repair_code
from llmi_train.scaling.revising import Change, revise
from llmi_train.scaling.run import Run, amended
from llmi_train.scaling.stage import Outcome, changed, judge_name, unchanged


@dataclass(frozen=True, slots=True)
class RepairCode:
    """Shows a model what a failing snippet ended with, until it draws; see `repair_code`.

    A candidate is changed only where it is no less fit afterwards: a figure too many is not taken.

    Args:
        model: repairs; it need not see pictures.
        rounds: most answers per snippet.
        seconds: for one snippet, within those of the whole run.
    """

    model: ChatModel
    rounds: int = 3
    seconds: float | None = 120.0
    name: str = "repair"

    async def __call__(self, candidates: Candidates, run: Run) -> Outcome:
        broken = {c.digest: _broken(c) for c in candidates}
        if not any(broken.values()):
            return unchanged(candidates, "no code to repair")
        jobs = [(candidate, tag) for candidate in candidates for tag in broken[candidate.digest]]
        repairs = await run.each(jobs, lambda job: self._repair(*job, run))
        done: dict[str, dict[int, Repair]] = {}
        for (candidate, tag), repair in zip(jobs, repairs, strict=True):
            if repair is not None:
                done.setdefault(candidate.digest, {})[tag.index] = repair
        mended = await run.each(candidates, lambda c: self._apply(c, done.get(c.digest, {}), run), late=True)
        after = tuple(new or old for old, new in zip(candidates, mended, strict=True))
        wanted = run.question.constraint
        fixed = sum(repair.fixed for repair in repairs if repair)
        ended = [repair.ended for repair in repairs if repair and not repair.fixed]
        counted = ", ".join(f"{ended.count(why)} by {why}" for why in dict.fromkeys(ended))
        return Outcome(
            after,
            before=fitness(candidates[0], wanted).value,
            after=fitness(after[0], wanted).value,
            judge=f"constraint and tool success (repaired by {judge_name(self.model)})",
            notes=(f"{fixed} of {len(jobs)} snippets repaired", *([f"given up: {counted}"] if counted else [])),
        )

    async def _repair(self, candidate: Candidate, tag: Tag, run: Run) -> Repair:
        call = tag.call
        assert isinstance(call, CodeCall)  # noqa: S101 - `_broken` hands out no others
        failure = candidate.rendered.results[tag.index - candidate.rendered.document.input_images]
        return await repair_code(
            run.chat(self.model),
            call.params.code,
            lambda code: run.call(_with(call, code)),
            failure=failure,
            rounds=self.rounds,
            seconds=self.seconds,
            purpose=call.description,
        )

    async def _apply(self, candidate: Candidate, repairs: dict[int, Repair], run: Run) -> Candidate:
        changes = {}
        for tag in candidate.rendered.document.tags:
            repair = repairs.get(tag.index)
            if repair and repair.fixed and isinstance(tag, Tag) and isinstance(tag.call, CodeCall):
                changes[tag.index] = Change(repair.result, _with(tag.call, repair.code))
        if not changes:
            return candidate
        new = amended(candidate, self.name, rendered=await revise(candidate.rendered, changes, run))
        wanted = run.question.constraint
        fitter = fitness(new, wanted).value >= fitness(candidate, wanted).value
        return new if fitter and changed(candidate, new) else candidate


def _broken(candidate: Candidate) -> list[Tag]:
    """The tags whose code failed."""
    rendered = candidate.rendered
    return [
        tag
        for tag, result in zip(rendered.document.tags, rendered.results, strict=True)
        if isinstance(tag, Tag) and isinstance(tag.call, CodeCall) and result.reason in REPAIRABLE
    ]


def _with(call: CodeCall, code: str) -> CodeCall:
    return call.model_copy(update={"params": CodeParams(code=code)})

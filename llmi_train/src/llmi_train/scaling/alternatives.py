"""Stage 3b: several search results and several seeds per tag, and a model that sees them picks."""

from __future__ import annotations

from dataclasses import dataclass

from llmi_reward.chat import ChatModel
from llmi_reward.judges.prompt import question_text
from llmi_schema import Tag, Text, ToolResult
from llmi_train.scaling.candidate import Candidate, Candidates
from llmi_train.scaling.fitness import fitness
from llmi_train.scaling.picking import Choice, Place, choose
from llmi_train.scaling.revising import Change, revise
from llmi_train.scaling.run import Run, amended
from llmi_train.scaling.stage import Outcome, changed, judge_name, unchanged

_CONTEXT = 600
"""Characters of text shown on either side of a picture."""


@dataclass(frozen=True, slots=True)
class PickPictures:
    """Asks for further answers to the tags of `tools`, all at once, and has a model choose; see `choose`.

    A tag that brought no picture takes part too. Edits of a picture that was exchanged are done again. A candidate is
    changed only where it is no less fit afterwards.

    Args:
        model: chooses; it must see pictures.
        others: further answers per tag.
        tools: whose tags.
    """

    model: ChatModel
    others: int = 3
    tools: frozenset[str] = frozenset({"search", "diffusion"})
    name: str = "pick"

    async def __call__(self, candidates: Candidates, run: Run) -> Outcome:
        jobs = [(c, tag) for c in candidates for tag in self._tags(c)]
        if not jobs:
            return unchanged(candidates, "no tag with alternatives")
        found = await run.each(jobs, lambda job: self._choose(*job, run))
        chosen: dict[str, dict[int, tuple[Choice, ToolResult]]] = {}
        for (candidate, tag), choice in zip(jobs, found, strict=True):
            if choice is not None:
                chosen.setdefault(candidate.digest, {})[tag.index] = choice
        made = await run.each(candidates, lambda c: self._apply(c, chosen.get(c.digest, {}), run), late=True)
        after = tuple(new or old for old, new in zip(candidates, made, strict=True))
        exchanged = sum(changed(old, new) for old, new in zip(candidates, after, strict=True))
        first = [choice for choice, _ in chosen.get(candidates[0].digest, {}).values()]
        taken = changed(candidates[0], after[0])
        before = _mean([choice.before or 0.0 for choice in first])
        return Outcome(
            after,
            before=before,
            after=_mean([choice.after for choice in first]) if taken else before,
            judge=f"votes of {judge_name(self.model)} for the pictures",
            notes=(f"{len(jobs)} tags, {self.others} alternatives each; {exchanged} documents changed",),
        )

    def _tags(self, candidate: Candidate) -> list[Tag]:
        return [t for t in candidate.rendered.document.tags if isinstance(t, Tag) and t.tool in self.tools]

    async def _choose(self, candidate: Candidate, tag: Tag, run: Run) -> tuple[Choice, ToolResult] | None:
        rendered = candidate.rendered
        current = rendered.results[tag.index - rendered.document.input_images]
        numbers = range(1, self.others + 1)
        results = [r for r in await run.each(numbers, lambda n: run.alternative(tag.call, n)) if r is not None]
        elsewhere = {p.sha256 for p in rendered.delivered if p != current.picture}
        by_content = {r.picture.sha256: r for r in results if r.picture and r.picture.sha256 not in elsewhere}
        if current.picture is not None:
            by_content.pop(current.picture.sha256, None)
        if not by_content:
            return None
        others = [picture for r in by_content.values() if (picture := r.picture)]
        choice = await choose(run.chat(self.model), _place(candidate, tag, run), current.picture, others)
        return choice, by_content.get(choice.picture.sha256, current)

    async def _apply(self, candidate: Candidate, chosen: dict[int, tuple[Choice, ToolResult]], run: Run) -> Candidate:
        changes: dict[int, Change] = {}
        taken: set[str] = set()
        for index, (choice, result) in sorted(chosen.items()):
            if choice.picture.sha256 not in taken and result.picture == choice.picture:
                taken.add(choice.picture.sha256)
                changes[index] = Change(result)
        if not changes:
            return candidate
        new = amended(candidate, self.name, rendered=await revise(candidate.rendered, changes, run))
        wanted = run.question.constraint
        fitter = fitness(new, wanted).value >= fitness(candidate, wanted).value
        return new if fitter and changed(candidate, new) else candidate


def _place(candidate: Candidate, tag: Tag, run: Run) -> Place:
    segments = [s for s in candidate.rendered.document.segments if isinstance(s, Text)]
    before = "".join(s.source for s in segments if s.start < tag.start)
    after = "".join(s.source for s in segments if s.start > tag.start)
    asked = tag.call.params.model_dump()
    words = "\n".join([tag.call.description, *map(str, asked.values())])
    return Place(question_text(run.question.messages), before[-_CONTEXT:], after[:_CONTEXT], words)


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None

"""`scale`: one question through the stages, within an allowance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmi_reward.chat import ChatModel
from llmi_schema import DEFAULT_LANGUAGE, Language
from llmi_train.policies import Policy
from llmi_train.scaling.alternatives import PickPictures
from llmi_train.scaling.candidate import Candidate, Candidates, Question
from llmi_train.scaling.cost import Allowance
from llmi_train.scaling.filtering import Filter
from llmi_train.scaling.fitness import fitness
from llmi_train.scaling.polishing import Polish
from llmi_train.scaling.repairing import RepairCode
from llmi_train.scaling.report import ScalingReport, StageReport
from llmi_train.scaling.run import Run, Tools
from llmi_train.scaling.sampling import Enough, Sample
from llmi_train.scaling.selecting import Select
from llmi_train.scaling.stage import Stage


@dataclass(frozen=True, slots=True)
class Scaled:
    """Attributes:
    best: the answer; None where the allowance did not suffice for a single candidate.
    candidates: those that came through, best first.
    """

    best: Candidate | None
    candidates: Candidates
    report: ScalingReport


async def scale(
    question: Question,
    policy: Policy,
    tools: Tools,
    stages: Sequence[Stage],
    *,
    allowance: Allowance | None = None,
    at_once: int = 8,
    language: Language = DEFAULT_LANGUAGE,
    progress: Callable[[StageReport], None] = lambda stage: None,
) -> Scaled:
    """Answer a question with more than one attempt.

    Every stage hands on what is, by its own judge, no worse than what it was given. Where the allowance is used up,
    the best up to then is returned: what costs nothing is still done, what costs is left out.

    Args:
        tools: usually a `Toolkit`.
        stages: `paper_stages` makes the usual ones; the first must be a `Sample`.
        at_once: documents, and questions to models, under way at a time.
        progress: called after each stage.

    Raises `ScalingError` when no candidate could be written for another reason than the allowance, and
    `ConfigurationError` for an allowance in money where prices are not known.
    """
    run = Run(question, policy, tools, allowance=allowance, at_once=at_once, language=language)
    candidates: Candidates = ()
    reports: list[StageReport] = []
    for stage in stages:
        given, before = candidates, run.cost
        outcome = await stage(given, run)
        candidates = outcome.candidates or given
        reports.append(
            StageReport(
                name=stage.name,
                judge=outcome.judge,
                given=len(given),
                handed_on=len(candidates),
                before=outcome.before,
                after=outcome.after,
                cost=run.cost - before,
                notes=outcome.notes,
            )
        )
        progress(reports[-1])
    best = candidates[0] if candidates else None
    report = ScalingReport(
        policy=policy.identity,
        stages=tuple(reports),
        cost=run.cost,
        stopped=run.stopped,
        satisfied=fitness(best, question.constraint).satisfied if best else None,
        seed=best.seed if best else None,
        history=best.history if best else (),
        digest=best.digest if best else None,
        failures=tuple(dict.fromkeys(run.failures)),
    )
    return Scaled(best, candidates, report)


def paper_stages(
    n: int,
    *,
    judge: ChatModel | None = None,
    repairer: ChatModel | None = None,
    others: int = 3,
    rounds: int = 3,
    temperature: float = 1.0,
    first_seed: int = 0,
    max_tokens: int | None = None,
    constrain: bool = False,
    polish: bool = False,
    enough: float | None = None,
) -> tuple[Stage, ...]:
    """Sampling, filtering, enhancement, selection: the stages of the paper (arXiv 2509.13642, test-time scaling).

    Args:
        n: candidates.
        judge: picks pictures and compares documents; it must see pictures. Without one the fittest candidate wins.
        repairer: repairs code; nothing is repaired without one.
        others: further pictures per search or diffusion tag; 0 asks for none.
        rounds: answers per snippet that is repaired.
        polish: let the policy go over the winner once more.
        enough: marks of the judge, from 0 to 1, at which no further candidate is sampled.
    """
    good = Enough(judge, enough) if judge is not None and enough is not None else None
    stages: list[Stage] = [
        Sample(
            n, temperature=temperature, first_seed=first_seed, max_tokens=max_tokens, constrain=constrain, enough=good
        ),
        # what one repair may mend is not left behind before it was tried
        Filter(slack=0.25 if repairer else 0.0),
    ]
    if repairer is not None:
        stages += [RepairCode(repairer, rounds=rounds), Filter()]
    if judge is not None:
        stages += [PickPictures(judge, others=others)] if others else []
        stages += [Select(judge)]
        stages += [Polish(judge, max_tokens=max_tokens)] if polish else []
    return tuple(stages)

"""Stage 4: a model compares the candidates in pairs, each pair in both orders; the one preferred most often wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from llmi_reward.chat import ChatModel
from llmi_reward.judges import PairwiseJudge, Rubric
from llmi_schema import ConfigurationError
from llmi_train.scaling.candidate import Candidate, Candidates, canonical
from llmi_train.scaling.fitness import fitness
from llmi_train.scaling.run import Run
from llmi_train.scaling.stage import Outcome, judge_name


@dataclass(frozen=True, slots=True)
class Select:
    """A tournament: everybody against everybody, in rounds that run at once, until nobody can catch up any more.

    A candidate's score is the share of its comparisons that it wins, where one that was not held counts half. Equal
    scores are decided by `fitness`, then by content. Pairings and places depend on contents alone, so that the order
    in which candidates come in changes nothing.

    Args:
        model: compares; see `PairwiseJudge`.
        finalists: at most so many take part, the fittest; n of them are n (n - 1) / 2 comparisons of two questions.
        sees: whether the model is shown the pictures.
    """

    model: ChatModel
    finalists: int = 8
    sees: bool = True
    rubric: Rubric | None = None
    name: str = "select"

    def __post_init__(self) -> None:
        if self.finalists < 2:
            raise ConfigurationError(f"finalists={self.finalists}: a comparison takes two")

    async def __call__(self, candidates: Candidates, run: Run) -> Outcome:
        wanted = run.question.constraint
        entered = sorted(canonical(candidates), key=lambda c: -fitness(c, wanted).value)
        if len(entered) < 2:
            return Outcome(tuple(entered), notes=("nothing to choose between",) if entered else ())
        players = entered[: self.finalists]
        judge = PairwiseJudge(run.chat(self.model), self.rubric or Rubric.shipped("pairwise"), self.sees)
        table = _Table(len(players))
        rounds = list(_rounds(len(players)))
        held = 0
        for pairs in rounds:
            preferences = await run.each(pairs, lambda pair: _prefer(judge, players[pair[0]], players[pair[1]], run))
            for pair, preference in zip(pairs, preferences, strict=True):
                if preference is not None:
                    held += 1
                    table.note(pair, preference)
            if table.decided or run.stopped:
                break
        order = sorted(range(len(players)), key=lambda i: (-table.score(i), -fitness(players[i], wanted).value, i))
        ranked = [players[i] for i in order]
        first = next((i for i, c in enumerate(players) if c.digest == candidates[0].digest), None)
        return Outcome(
            (*ranked, *entered[self.finalists :]),
            before=table.score(first) if first is not None else None,
            after=table.score(order[0]),
            judge=judge_name(self.model),
            notes=(f"{held} of {sum(map(len, rounds))} comparisons among {len(players)} candidates",),
        )


async def _prefer(judge: PairwiseJudge, first: Candidate, second: Candidate, run: Run) -> float | None:
    score = await judge.compare(first.sample(run.question), second.sample(run.question))
    if score.value is None and run.stopped is None:
        run.failures.append(f"a comparison brought no verdict: {score.reason}")
    return score.value


Pair = tuple[int, int]


def _rounds(players: int) -> Iterator[Sequence[Pair]]:
    """Every pair once, in rounds in which everybody plays at most once (the circle method)."""
    circle: list[int | None] = [*range(players), *([None] if players % 2 else [])]
    half = len(circle) // 2
    for _ in range(len(circle) - 1):
        pairs = zip(circle[:half], reversed(circle[half:]), strict=True)
        yield sorted((min(a, b), max(a, b)) for a, b in pairs if a is not None and b is not None)
        circle = [circle[0], circle[-1], *circle[1:-1]]


@dataclass(slots=True)
class _Table:
    """Points, and comparisons held, per player."""

    players: int
    points: dict[int, float] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)

    def note(self, pair: Pair, preference: float) -> None:
        for player, points in zip(pair, (preference, 1.0 - preference), strict=True):
            self.points[player] = self.points.get(player, 0.0) + points
            self.held[player] = self.held.get(player, 0) + 1

    def score(self, player: int) -> float:
        return (self.points.get(player, 0.0) + 0.5 * self._open(player)) / (self.players - 1)

    @property
    def decided(self) -> bool:
        """One has more points than any other can still reach."""
        best = max(range(self.players), key=lambda i: self.points.get(i, 0.0))
        reach = max(self.points.get(i, 0.0) + self._open(i) for i in range(self.players) if i != best)
        return self.points.get(best, 0.0) > reach

    def _open(self, player: int) -> int:
        return self.players - 1 - self.held.get(player, 0)

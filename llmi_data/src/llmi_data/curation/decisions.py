"""`Curation`: takes rows one by one, keeps their fingerprints, and decides on all of them at the end."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict

from llmi_data.curation.balance import Balance, Shortfall, side_of
from llmi_data.curation.contamination import Benchmark, Hit
from llmi_data.curation.duplicates import NONE, Clusters, find_duplicates, same_task
from llmi_data.curation.meaning import Embed, Meanings, alike, load_embed
from llmi_data.curation.prints import Prints, Table
from llmi_data.curation.settings import CurationSettings
from llmi_data.plan import Cell, Plan
from llmi_data.row import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

Reason = Literal[
    "unreadable picture",
    "contaminated",
    "exact duplicate",
    "near duplicate",
    "same meaning",
    "straddles the split",
    "over the plan",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
_STAYS = -1

Prefer = Callable[[Row], int]
"""Which of two duplicates stays: the one with the lower number, and among equals the earlier row."""


def preference(row: Row) -> int:
    """Rows on which a blind reader agreed come first, then rows nobody read, then the others."""
    if row.verdict is None:
        return 1
    return 0 if row.verdict.agrees else 2


@dataclass(frozen=True)
class Decision:
    """What becomes of one row.

    Attributes:
        number: the row's place among all, from 0.
        reason: why it goes; None when it stays.
        detail: the reason in a sentence.
        cluster: the id of the best row among those that are near each other.
        partner: the id of the row that stays in its place, where it is a duplicate.
        score: how alike it is to its partner, or to what contaminates it, 0 to 1.
    """

    number: int
    id: str
    cluster: str
    reason: Reason | None = None
    detail: str = ""
    partner: str | None = None
    score: float | None = None


class BenchmarkCheck(BaseModel):
    """What was found of one benchmark."""

    model_config = ConfigDict(frozen=True)

    name: str
    file: str
    revision: str
    split: str
    questions: int
    pictures: int
    hits: int
    rows: int
    """Rows with at least one hit."""


class CurationReport(BaseModel):
    """Every number counted: what came in, what stayed, why the others went."""

    model_config = ConfigDict(frozen=True)

    rows: int
    kept: int
    removed: dict[str, int]
    clusters: int
    """Groups of two rows or more that are near each other."""
    largest_cluster: int
    benchmarks: tuple[BenchmarkCheck, ...] = ()
    short: tuple[Shortfall, ...] = ()
    """Cells of the plan that are not full."""
    settings: CurationSettings


class Curation:
    """See `curate` for the arguments. Give every row to `add`, then call `decide` once."""

    def __init__(
        self,
        settings: CurationSettings | None = None,
        *,
        plan: Plan | None = None,
        prefer: Prefer = preference,
        embed: Embed | None = None,
        benchmarks: Sequence[Benchmark] | None = None,
    ) -> None:
        self._settings = chosen = settings or CurationSettings()
        if benchmarks is None:
            benchmarks = [
                Benchmark(source, contained=chosen.contained, similar=chosen.near, alike=chosen.alike)
                for source in chosen.benchmarks
            ]
        self._benchmarks = benchmarks
        self._prefer = prefer
        self._balance = Balance(plan) if plan else None
        if embed is None and chosen.embedding:
            embed = load_embed(chosen.embedding)
        self._meanings = Meanings(embed) if embed else None
        self._prints = Prints(chosen.gram)
        self._ids: list[str] = []
        self._ranks = array("q")
        self._tests = bytearray()
        self._cells: list[Cell | None] = []
        self._lots = array("Q")
        self._unreadable: dict[int, str] = {}
        self._hits: dict[int, tuple[Hit, ...]] = {}

    def add(self, row: Row) -> None:
        number = len(self._ids)
        self._ids.append(row.id)
        try:
            looks = self._prints.add(row)
        except ValueError as error:
            self._unreadable[number] = str(error)
            looks = ()
            self._prints.add(row.model_copy(update={"images": ()}))
        self._ranks.append(self._prefer(row))
        self._tests.append(side_of(row) == "test")
        if self._balance:
            self._cells.append(self._balance.cell(row))
            self._lots.append(self._balance.lot(row))
        if self._meanings:
            self._meanings.add(row.text)
        if found := tuple(hit for benchmark in self._benchmarks for hit in benchmark.hits(row, looks)):
            self._hits[number] = found

    def decide(self) -> Outcome:
        """Contamination first, so that what is contaminated takes nobody's place; duplicates, the split, the plan."""
        table = self._prints.table()
        outcome = Outcome(self._ids, self._unreadable, self._hits)
        outcome.remove(self._unreadable, "unreadable picture")
        outcome.remove([number for number in self._hits if number not in self._unreadable], "contaminated")
        self._duplicates(table, outcome)
        if self._meanings:
            self._same_meaning(table, self._meanings, outcome)
        self._straddling(outcome)
        short: tuple[Shortfall, ...] = ()
        if self._balance:
            over, short = self._balance.surplus(
                (number, self._cells[number], "test" if self._tests[number] else "train", self._lots[number])
                for number in outcome.staying.tolist()
            )
            outcome.remove(over, "over the plan")
        outcome.report = self._report(outcome, short)
        return outcome

    def _duplicates(self, table: Table, outcome: Outcome) -> None:
        rows = outcome.staying
        tags = find_duplicates(
            table if len(rows) == len(table) else table.take(rows),
            np.frombuffer(self._ranks, np.int64)[rows] if len(rows) else np.empty(0, np.int64),
            threshold=self._settings.near,
            exact_up_to=self._settings.exact_up_to,
            seed=self._settings.seed,
        )
        outcome.cluster[rows] = rows[tags.cluster]
        gone = np.flatnonzero(~tags.stays)
        outcome.partner[rows[gone]] = rows[tags.partner[gone]]
        outcome.score[rows[gone]] = tags.score[gone]
        outcome.remove(rows[gone[tags.exact[gone]]].tolist(), "exact duplicate")
        outcome.remove(rows[gone[~tags.exact[gone]]].tolist(), "near duplicate")

    def _same_meaning(self, table: Table, meanings: Meanings, outcome: Outcome) -> None:
        ranks = np.frombuffer(self._ranks, np.int64) if self._ids else np.empty(0, np.int64)
        rows = outcome.staying[np.argsort(ranks[outcome.staying], kind="stable")]
        clusters = Clusters(outcome.cluster)
        gone: list[int] = []
        for row, earlier, cosine in alike(meanings.vectors(), rows, self._settings.meaning):
            if outcome.partner[earlier] != NONE:
                continue
            clusters.join(row, earlier)
            if outcome.partner[row] == NONE and same_task(table, np.array([row]), np.array([earlier]))[0]:
                outcome.partner[row], outcome.score[row] = earlier, cosine
                gone.append(row)
        outcome.remove(gone, "same meaning")
        outcome.cluster = clusters.first()

    def _straddling(self, outcome: Outcome) -> None:
        """Of a cluster with rows on both sides those for training go: what is held out must stay unseen."""
        rows = outcome.staying
        tests = np.frombuffer(self._tests, np.uint8)[rows].astype(bool) if len(rows) else np.empty(0, bool)
        held_out = np.unique(outcome.cluster[rows[tests]])
        straddling = rows[~tests & np.isin(outcome.cluster[rows], held_out)]
        outcome.remove(straddling.tolist(), "straddles the split")

    def _report(self, outcome: Outcome, short: tuple[Shortfall, ...]) -> CurationReport:
        sizes = np.unique(outcome.cluster, return_counts=True)[1]
        counted = Counter(REASONS[code] for code in outcome.code.tolist() if code != _STAYS)
        hits: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, found in self._hits.items():
            for hit in found:
                hits[hit.benchmark, hit.file, hit.revision, hit.split].append(number)
        return CurationReport(
            rows=len(self._ids),
            kept=len(outcome.staying),
            removed={reason: counted[reason] for reason in REASONS if reason in counted},
            clusters=int((sizes > 1).sum()),
            largest_cluster=int(sizes.max(initial=0)),
            benchmarks=tuple(_checked(b, hits) for b in self._benchmarks),
            short=short,
            settings=self._settings,
        )


def _checked(benchmark: Benchmark, hits: dict[tuple[str, ...], list[int]]) -> BenchmarkCheck:
    source = benchmark.source
    rows = hits[source.name, source.file.name, source.revision, source.split]
    return BenchmarkCheck(
        name=source.name,
        file=source.file.name,
        revision=source.revision,
        split=source.split,
        questions=len(benchmark.items),
        pictures=benchmark.pictures,
        hits=len(rows),
        rows=len(set(rows)),
    )


class Outcome:
    """Decisions on all rows, as arrays; `of(number)` spells one out."""

    report: CurationReport

    def __init__(self, ids: Sequence[str], unreadable: dict[int, str], hits: dict[int, tuple[Hit, ...]]) -> None:
        self.ids = ids
        self.unreadable = unreadable
        self.hits = hits
        self.code = np.full(len(ids), _STAYS, np.int8)
        self.cluster: NDArray[np.int64] = np.arange(len(ids))
        self.partner = np.full(len(ids), NONE, np.int64)
        self.score = np.zeros(len(ids), np.float32)

    @property
    def staying(self) -> NDArray[np.int64]:
        """Numbers of the rows that stay, ascending."""
        return np.flatnonzero(self.code == _STAYS)

    def remove(self, rows: Sequence[int] | dict[int, str], reason: Reason) -> None:
        self.code[list(rows)] = REASONS.index(reason)

    def __iter__(self) -> Iterator[Decision]:
        return map(self.of, range(len(self.ids)))

    def of(self, number: int) -> Decision:
        code = int(self.code[number])
        cluster = self.ids[int(self.cluster[number])]
        if code == _STAYS:
            return Decision(number, self.ids[number], cluster)
        reason = REASONS[code]
        partner, score, detail = self._partner(number), round(float(self.score[number]), 4), ""
        match reason:
            case "unreadable picture":
                detail = f"{self.unreadable[number]}; replace the picture, or leave the row out"
            case "contaminated":
                hit = max(self.hits[number], key=lambda hit: hit.score)
                score, detail = hit.score, f"{hit.kind} as {hit.benchmark}, {hit.item}"
            case "exact duplicate":
                detail = f"asks the same as row {partner}"
            case "near duplicate" | "same meaning":
                detail = f"{score:.2f} alike to row {partner}, with the same labels"
            case "straddles the split":
                detail = f"near to a row held out for testing, in the cluster of row {cluster}"
            case "over the plan":
                detail = "the plan has no more places for rows of its kind"
        scored = reason not in ("unreadable picture", "straddles the split", "over the plan")
        return Decision(number, self.ids[number], cluster, reason, detail, partner, score if scored else None)

    def _partner(self, number: int) -> str | None:
        """The row this one gave way to. A later step may have sent that one away too, and then says so."""
        partner = int(self.partner[number])
        return None if partner == NONE else self.ids[partner]

"""Balance: no cell above its plan, and every cell below it named."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from llmi_data.curation.words import key
from llmi_data.plan import Cell, Modality, Plan
from llmi_data.row import Row, Side


class Shortfall(BaseModel):
    """A cell with fewer rows than planned, on one side of the split."""

    model_config = ConfigDict(frozen=True)

    cell: str
    side: Side
    planned: int
    rows: int

    def __str__(self) -> str:
        return f"{self.cell} {self.side}: {self.rows} of {self.planned} rows"


class Balance:
    """The plan's cells as places that rows can take.

    A row belongs to the cell with its count, tools, language and modality, and its domain where the cell names one.
    Which rows of a full cell stay depends on the seed and their ids alone, not on their order.
    """

    def __init__(self, plan: Plan) -> None:
        self._seed = plan.seed
        self._cells = {cell.kind: cell for cell in plan.cells}
        self._places: Counter[tuple[Cell, Side]] = Counter()
        for assignment in plan.expand():
            a = assignment
            self._places[self._cells[a.count, a.tools, a.domain, a.language, a.modality], a.side] += 1

    def cell(self, row: Row) -> Cell | None:
        """The row's cell; None when the plan has none for it."""
        origin = row.provenance
        language = origin.language if origin else "en"
        modality: Modality = "multimodal" if row.images else "text"
        for domain in dict.fromkeys((origin.domain if origin else None, None)):
            if cell := self._cells.get((row.image_count, row.required_tools, domain, language, modality)):
                return cell
        return None

    def lot(self, row: Row) -> int:
        """What decides who stays in a full cell: the lowest do."""
        return key(str(self._seed), row.id)

    def surplus(self, rows: Iterable[tuple[int, Cell | None, Side, int]]) -> tuple[list[int], tuple[Shortfall, ...]]:
        """Which rows there is no place for, and which places stay empty.

        Args:
            rows: number, cell, side and lot of each.
        """
        by_place: dict[tuple[Cell, Side], list[tuple[int, int]]] = defaultdict(list)
        over: list[int] = []
        for number, cell, side, lot in rows:
            if cell is None:
                over.append(number)
            else:
                by_place[cell, side].append((lot, number))
        short: list[Shortfall] = []
        for place, planned in self._places.items():
            there = sorted(by_place.pop(place, ()))
            over += [number for _, number in there[planned:]]
            if len(there) < planned:
                short.append(Shortfall(cell=str(place[0]), side=place[1], planned=planned, rows=len(there)))
        over += [number for there in by_place.values() for _, number in there]
        return sorted(over), tuple(short)


def side_of(row: Row) -> Side:
    """The half of the split a row was composed for; train where it does not say."""
    return row.provenance.side if row.provenance else "train"


def balance(rows: Sequence[Row], plan: Plan) -> tuple[tuple[Row, ...], tuple[Row, ...], tuple[Shortfall, ...]]:
    """Rows the plan has places for, in their order; the others; and the places that stay empty."""
    places = Balance(plan)
    over, short = places.surplus(
        (number, places.cell(row), side_of(row), places.lot(row)) for number, row in enumerate(rows)
    )
    out = set(over)
    return (
        tuple(row for number, row in enumerate(rows) if number not in out),
        tuple(rows[number] for number in over),
        short,
    )

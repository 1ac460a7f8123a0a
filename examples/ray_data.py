"""The steps of llmi_data as Ray Data map functions: generate and validate over as many machines as Ray has.

    pip install 'ray[data]' llmi-data
    python examples/ray_data.py

Every task makes one shard of the plan and validates it; put together in the shards' order, the rows are those of one
run over all of it. With a model, give `generate_rows` and `validate_rows` its settings, and a journal per shard on a
disk of the machine that works on it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from llmi_data import Plan, Row, Shard, generate_rows, validate_rows

SHARDS = 4


def make_shard(shard: dict[str, Any]) -> list[dict[str, Any]]:
    """One shard of the plan: its rows that stay, as JSON, with their place."""
    journals = Path(tempfile.gettempdir()) / f"llmi-shard-{shard['number']}"
    plan = Plan.model_validate_json(shard["plan"])
    part = Shard(int(shard["number"]), SHARDS)
    written, _ = generate_rows(plan, journals=lambda name: journals / f"{name}.sqlite", shard=part)
    validated, _ = validate_rows(written.rows, journals=lambda name: journals / f"{name}.sqlite")
    return [{"shard": part.number, "place": i, "row": r.model_dump_json()} for i, r in enumerate(validated.kept)]


def main(plan: Plan) -> list[Row]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports its use to its makers unless told not to
    import ray

    shards = [{"number": number, "plan": plan.model_dump_json()} for number in range(1, SHARDS + 1)]
    made = ray.data.from_items(shards, override_num_blocks=SHARDS).flat_map(make_shard)
    ordered = sorted(made.take_all(), key=lambda entry: (entry["shard"], entry["place"]))
    return [Row.model_validate_json(entry["row"]) for entry in ordered]


if __name__ == "__main__":
    rows = main(Plan.demo(rows=200))
    print(f"{len(rows)} rows, the first: {rows[0].text}")

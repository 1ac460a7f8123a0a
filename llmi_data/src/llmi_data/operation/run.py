"""`run`: plan -> generate -> validate -> curate -> dataset, from a run's settings to a folder.

Every step reads a file and writes files, whole or not at all, and is noted in the ledger; what a model answered is in a
journal before it is used. So the same call goes on where the last one ended, however that ended.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from llmi_data.dataset import load, save
from llmi_data.errors import RunError
from llmi_data.generation.brief import briefs_version
from llmi_data.jsonl import read_rows, write_lines, write_rows
from llmi_data.operation.config import RunConfig
from llmi_data.operation.display import shown
from llmi_data.operation.files import write_dropped, write_lost
from llmi_data.operation.ledger import Ledger, digest_of, key_of
from llmi_data.operation.meter import Usage
from llmi_data.operation.steps import GenerateReport, ValidateReport, generate_rows, validate_rows
from llmi_data.row import Row
from llmi_data.splits import split
from llmi_data.summary import Summary, summarize
from llmi_data.validation import instructions_version
from llmi_schema.files import cannot_write

if TYPE_CHECKING:
    from rich.console import Console


class RunReport(BaseModel):
    """What was done, every number counted. The same rows give the same report, however often the run was stopped."""

    model_config = ConfigDict(frozen=True)

    generate: GenerateReport
    validation: ValidateReport
    curation: dict[str, Any] | None
    """What `llmi_data.curation` reports; None where the step was left out."""
    train: Summary
    test: Summary
    usage: Usage
    unanswered: int
    """Rows to which a model gave no answer; running it again asks for them once more."""


def run(config: RunConfig, *, console: Console | None = None) -> RunReport:
    """Do what is not done yet, and say what there is.

    In the folder: `generated.jsonl` and `lost.jsonl`, `validated.jsonl` and `dropped.jsonl`, `curated.jsonl`,
    `removed.jsonl`, `hits.jsonl` and `clusters.jsonl`, `dataset` for `datasets.load_from_disk`, `report.json`;
    `answers` holds the journals, `steps.json` the ledger.

    Args:
        console: where progress is shown when it is a terminal; log lines otherwise.

    Raises what `generate_rows` and `validate_rows` do, `SplitError` when a scenario would be on both sides, `RowError`
    where the folder cannot be written.
    """
    for model in config.models.values():
        model.endpoint()  # a missing key is found before anything is spent
    with _alone_in(config.folder):
        return _Run(config, console).all_steps()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """The folder, for this run alone, and without what one that was killed left unfinished. Raises `RunError`."""
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise RunError(cannot_write(folder, error)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go of by the system, however the process ends
        except BlockingIOError:
            raise RunError(f"{folder}: another run is at work in this folder; wait for it, or choose another") from None
        for left in (*folder.glob(".*.part"), *folder.glob(".*.old")):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield


class _Run:
    def __init__(self, config: RunConfig, console: Console | None) -> None:
        self.config, self.console = config, console
        self.folder = config.folder
        self.ledger = Ledger(self.folder / "steps.json")
        self.budget = config.open_budget()

    def all_steps(self) -> RunReport:
        generated = GenerateReport.model_validate(self.step("generate", self.generate_key(), self.generate))
        validated = ValidateReport.model_validate(self.step("validate", self.validate_key(), self.validate))
        curated = self.step("curate", self.curate_key(), self.curate) if self.config.curate is not False else None
        self.step("dataset", key_of([digest_of(self.folder / name) for name in self.final]), self.dataset)
        sides = load(self.folder / "dataset")
        report = RunReport(
            generate=generated,
            validation=validated,
            curation=curated and dict(curated),
            train=summarize(sides.train),
            test=summarize(sides.test),
            usage=generated.usage + validated.usage,
            unanswered=generated.lost.get("no answer", 0) + validated.dropped.get("no answer", 0),
        )
        write_lines(self.folder / "report.json", [report.model_dump_json(indent=1)])
        return report

    def step(
        self, name: str, key: str, work: Callable[[], tuple[Sequence[Path], Mapping[str, Any], bool]]
    ) -> Mapping[str, Any]:
        """The step's report: from the ledger where it is done, else by doing it."""
        if entry := self.ledger.done(name, key):
            return entry.report
        self.ledger.forget(name)
        files, report, complete = work()
        if complete:
            self.ledger.record(name, key, files, report)
        return report

    # -- the steps: the files they wrote, their report, and whether nothing is left to be asked again ---------------

    def generate_key(self) -> str:
        stanza = self.config.generate
        return key_of(
            {
                "plan": self.config.plan.model_dump(),
                "model": stanza.model and stanza.model.identity,
                "pictures": stanza.pictures and digest_of(stanza.pictures),
                "column": stanza.picture_column,
                "attempts": stanza.attempts,
                "instructions": briefs_version(),
            }
        )

    def generate(self) -> tuple[Sequence[Path], Mapping[str, Any], bool]:
        config = self.config
        written, report = generate_rows(
            config.plan,
            config.generate,
            journals=config.journal,
            budget=self.budget,
            patience=config.patience,
            console=self.console,
        )
        rows, lost = self.folder / "generated.jsonl", self.folder / "lost.jsonl"
        write_rows(rows, written.rows)
        write_lost(lost, written.lost)
        return [rows, lost], report.model_dump(mode="json"), not written.unanswered

    def validate_key(self) -> str:
        stanza = self.config.validate_
        return key_of(
            {
                "rows": digest_of(self.folder / "generated.jsonl"),
                "reader": stanza.reader and stanza.reader.identity,
                "judge": stanza.judge and stanza.judge.identity,
                "attempts": stanza.attempts,
                "instructions": instructions_version(),
            }
        )

    def validate(self) -> tuple[Sequence[Path], Mapping[str, Any], bool]:
        config = self.config
        validated, report = validate_rows(
            self.rows("generated.jsonl"),
            config.validate_,
            journals=config.journal,
            budget=self.budget,
            patience=config.patience,
            console=self.console,
        )
        kept, dropped = self.folder / "validated.jsonl", self.folder / "dropped.jsonl"
        write_rows(kept, validated.kept)
        write_dropped(dropped, validated.dropped)
        return [kept, dropped], report.model_dump(mode="json"), not validated.unanswered

    def curate_key(self) -> str:
        config = self.config
        return key_of(
            {
                "rows": digest_of(self.folder / "validated.jsonl"),
                "plan": config.plan.model_dump(),
                "settings": config.curate.model_dump(mode="json"),
                "benchmarks": [digest_of(benchmark.file) for benchmark in config.curate.benchmarks],
            }
        )

    def curate(self) -> tuple[Sequence[Path], Mapping[str, Any], bool]:
        from llmi_data.conversion import expected_records
        from llmi_data.curation import curate_file

        validated = self.folder / "validated.jsonl"
        names = ("curated.jsonl", "removed.jsonl", "hits.jsonl", "clusters.jsonl")
        kept, removed, hits, clusters = (self.folder / name for name in names)
        with shown("curate", expected_records(validated), console=self.console) as tick:
            report = curate_file(
                validated,
                kept,
                self.config.curate,
                plan=self.config.plan,
                removed=removed,
                hits=hits,
                clusters=clusters,
                each=tick,
            )
        return [kept, removed, hits, clusters], report.model_dump(mode="json"), True

    @property
    def final(self) -> tuple[str, ...]:
        """The files that the dataset is made of: rows, and the clusters that may not straddle."""
        return ("validated.jsonl",) if self.config.curate is False else ("curated.jsonl", "clusters.jsonl")

    def dataset(self) -> tuple[Sequence[Path], Mapping[str, Any], bool]:
        folder = self.folder / "dataset"
        rows, *more = self.final
        clusters: dict[str, str] = {}
        for name in more:
            lines = (self.folder / name).read_text(encoding="utf-8").splitlines()
            clusters |= {entry["id"]: entry["cluster"] for entry in map(json.loads, lines)}
        save(split(self.rows(rows), clusters), folder)
        return [folder], {}, True

    def rows(self, name: str) -> list[Row]:
        return list(read_rows(self.folder / name))

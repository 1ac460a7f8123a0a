"""What the steps recorded about the rows that are to be published, as far as they did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from llmi_data.errors import PublishingError, RowError
from llmi_data.operation.steps import GenerateReport, ValidateReport

if TYPE_CHECKING:
    from llmi_data.curation import CurationReport


@dataclass(frozen=True)
class Record:
    """The steps' reports; None for a step that left none.

    Attributes:
        hits: every find of a benchmark, as `curate` lists them; None where no list was given.
        clusters: the cluster of each row by its id.
    """

    generate: GenerateReport | None = None
    validation: ValidateReport | None = None
    curation: CurationReport | None = None
    hits: tuple[Mapping[str, Any], ...] | None = None
    clusters: Mapping[str, str] | None = None


def read_record(
    folder: Path | None = None,
    reports: Iterable[Path] = (),
    hits: Path | None = None,
    clusters: Path | None = None,
) -> Record:
    """What is recorded in a run's folder, and in files that single steps were told to write.

    Args:
        folder: a run's, where there is one; files that are named take the place of its own.
        reports: of `generate`, `validate` and `curate --report`, or a run's; each says itself which it is.

    Raises `PublishingError` naming the file that cannot be read, or that is no report.
    """
    record = Record()
    if folder is not None:
        if (own := folder / "report.json").is_file():
            record = _with_report(record, own)
        if record.curation is not None:  # else they are of an earlier run in this folder
            hits = hits or _there(folder / "hits.jsonl")
            clusters = clusters or _there(folder / "clusters.jsonl")
    named: dict[str, Path] = {}
    for path in reports:
        before, record = record, _with_report(record, path)
        for step in ("generate", "validation", "curation"):
            if getattr(record, step) is not getattr(before, step):
                if step in named:
                    raise PublishingError(f"{path}: {named[step]} is a report of the same step; give one of them")
                named[step] = path
    found = tuple(_lines(hits, "row", "benchmark", "item", "kind", "score")) if hits else None
    if found is not None and record.curation is not None:
        counted = sum(check.hits for check in record.curation.benchmarks)
        if counted != len(found):
            raise PublishingError(
                f"{hits}: lists {len(found)} finds, but the report of curate has {counted}; give those of one run"
            )
    return replace(
        record,
        hits=found,
        clusters={entry["id"]: entry["cluster"] for entry in _lines(clusters, "id", "cluster")} if clusters else None,
    )


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _with_report(record: Record, path: Path) -> Record:
    """The record with a file's report; where there is none by that name but there are those of its shards, theirs."""
    from llmi_data.curation import CurationReport
    from llmi_data.operation.shards import parts_of
    from llmi_data.publishing.parts import whole_generation, whole_validation

    if path.exists():
        paths = [path]
    else:
        try:
            paths = parts_of(path)
        except RowError as error:
            raise PublishingError(f"{path}: there is no such file. {error}") from None
    found = [_report(part) for part in paths]
    made = [report for report in found if isinstance(report, GenerateReport)]
    read = [report for report in found if isinstance(report, ValidateReport)]
    match found:
        case [Record() as run]:
            return run
        case [CurationReport() as curation]:
            return replace(record, curation=curation)
        case _ if len(made) == len(found):
            return replace(record, generate=whole_generation(made))
        case _ if len(read) == len(found):
            return replace(record, validation=whole_validation(read))
    raise PublishingError(f"{path}: its shards are not reports of one step; give the report of the whole")


def _report(path: Path) -> Record | GenerateReport | ValidateReport | CurationReport:
    from llmi_data.curation import CurationReport

    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PublishingError(f"{path}: cannot read this report ({error.strerror})") from error
    except ValueError as error:
        raise PublishingError(f"{path}: not valid JSON ({error}); give what a step wrote with --report") from error
    try:
        match value:
            case {"generate": generate, "validation": validation, "curation": curation}:
                return Record(
                    generate=GenerateReport.model_validate(generate),
                    validation=ValidateReport.model_validate(validation),
                    curation=CurationReport.model_validate(curation) if curation else None,
                )
            case {"generator": _, "planned": _}:
                return GenerateReport.model_validate(value)
            case {"reader": _, "agreement": _}:
                return ValidateReport.model_validate(value)
            case {"removed": _, "clusters": _, "settings": _}:
                return CurationReport.model_validate(value)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise PublishingError(f"{path}: {where}: {problem['msg']}; let the step write this report again") from None
    raise PublishingError(f"{path}: not a report of generate, validate, curate or run; give what they write")


def _lines(path: Path, *needed: str) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise PublishingError(f"{path}: cannot read this file ({error.strerror})") from error
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise PublishingError(
                f"{path}, line {number}: not valid JSON ({error}); let curate write it again"
            ) from None
        if not isinstance(entry, dict) or not all(name in entry for name in needed):
            raise PublishingError(f"{path}, line {number}: {', '.join(needed)} are expected; let curate write it again")
        entries.append(entry)
    return entries

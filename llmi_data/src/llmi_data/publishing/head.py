"""The YAML at the head of the card: what the Hub's viewer, its search and `load_dataset` go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from llmi_data.publishing.tables import CONFIGS, Table
from llmi_data.summary import Summary

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_TAGS = ("llm-i", "interleaved-text-image", "tool-use", "constraints")


def head(
    title: str,
    tables: Sequence[Table],
    summary: Summary,
    *,
    licence: str | None,
    synthetic: bool,
    kept: Mapping[str, Any],
) -> str:
    """The head, lines of dashes included.

    Args:
        kept: the head that the repository has now. What is said there and not here stays, and so do configurations
            that are not ours; ours, with their columns and splits, are written anew.
    """
    from datasets import DatasetInfo, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCardData

    configs, infos = MetadataConfigs(), DatasetInfosDict()
    for number, (config, parts) in enumerate(groupby(tables, key=lambda table: table.config)):
        here = list(parts)
        files = [{"split": table.split, "path": f"{config}/{table.split}-*"} for table in here]
        configs[config] = {"data_files": files} | ({} if number else {"default": True})
        splits = SplitDict()
        for table in here:
            splits.add(SplitInfo(table.split, num_bytes=table.bytes, num_examples=table.rows))
        infos[config] = DatasetInfo(
            features=here[0].features,
            splits=splits,
            download_size=sum(table.stored for table in here),
            dataset_size=sum(table.bytes for table in here),
        )
    data: Any = DatasetCardData(**_foreign(kept))
    infos.to_dataset_card_data(data)
    configs.to_dataset_card_data(data)
    values = data.to_dict()
    told = {
        "pretty_name": title,
        "license": licence,
        "language": sorted({language.partition("-")[0] for language in summary.languages}),
        "task_categories": _tasks(tables),
        "tags": _tags(kept, synthetic=synthetic),
        "size_categories": [next((name for most, name in _SIZES if summary.rows < most), "n>1M")],
    }
    written = {name: value for name, value in told.items() if value}
    return f"---\n{_dump(written | {n: v for n, v in values.items() if n not in written})}---"


def _foreign(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The present head without our own configurations."""
    values = dict(kept)
    for name in ("configs", "dataset_info"):
        others = [
            entry for entry in _list(values.pop(name, None)) if entry.get("config_name", "default") not in CONFIGS
        ]
        # One is the default, and that is ours now.
        others = [{key: value for key, value in entry.items() if key != "default"} for entry in others]
        if others:
            values[name] = others
    return values


def _tags(kept: Mapping[str, Any], *, synthetic: bool) -> list[str]:
    """Ours first; of those there, `synthetic` may have been true of an earlier publication alone."""
    others = [tag for tag in _list(kept.get("tags")) if tag != "synthetic"]
    return list(dict.fromkeys([*_TAGS, *(["synthetic"] if synthetic else []), *others]))


def _tasks(tables: Sequence[Table]) -> list[str]:
    found = {table.config for table in tables}
    return [
        task for config, task in (("text", "text-generation"), ("multimodal", "image-text-to-text")) if config in found
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _dump(value: Mapping[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=110))

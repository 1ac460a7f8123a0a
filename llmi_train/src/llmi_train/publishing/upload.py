"""The files of a repository, put together in a folder of their own, and their upload as one commit."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llmi_data.errors import PublishingError
from llmi_data.publishing.hub import check_name, unreachable
from llmi_schema import ConfigurationError
from llmi_train.publishing.card import CURVES, model_card
from llmi_train.watching.curves import Curves, read_curves
from llmi_train.watching.record import read_record

_ADAPTER = "adapter"
_LEFT_OUT = shutil.ignore_patterns("training_args.bin", "checkpoint-*", "README.md", "*.new")


@contextmanager
def prepare(run: Path, repo: str, *, merged: bool = False) -> Iterator[Path]:
    """A temporary folder with everything a repository should hold.

    Args:
        run: `output_dir` of the recipe; what is there decides what the card says.
        repo: where it will go, `me/name`.
        merged: the whole model with the adapter merged into it; loads the base model.

    Raises `ConfigurationError` when the run has no adapter, the base model cannot be loaded or `repo` is no name.
    """
    check_name(repo)
    adapter = run / _ADAPTER
    if not (adapter / "adapter_config.json").is_file():
        raise ConfigurationError(f"{run}: there is no {_ADAPTER} in it; train first (llmi-train grpo --config ...)")
    base = str(json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"])
    with tempfile.TemporaryDirectory(prefix="llmi-push-") as temporary:
        folder = Path(temporary)
        if merged:
            _merge(base, adapter, folder)
        else:
            shutil.copytree(adapter, folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
        record = read_record(run)
        named = str(record.recipe.get("model", base)) if record is not None else base
        try:
            curves: Curves | None = read_curves(run)
        except ConfigurationError:
            curves = None
        if not merged:
            _name_base(folder, named)
        pictures = _draw(curves, folder / CURVES) if curves is not None else {}
        card = model_card(repo, named, curves, record, pictures, merged=merged)
        (folder / "README.md").write_text(card, encoding="utf-8")
        yield folder


def upload(folder: Path, repo: str, *, public: bool = False) -> str:
    """Make the repository if it is not there, and put the folder into it as one commit. Returns its address.

    `HF_TOKEN` or `hf auth login` says who does it, `HF_ENDPOINT` where. A repository that exists keeps its visibility.

    Raises `PublishingError` when the Hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    check_name(repo)
    api = HfApi()
    try:
        api.create_repo(repo, private=not public, exist_ok=True)
        commit = api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Upload a run of llmi_train")
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "?"
        hint = (
            ": log in with `hf auth login`, or set HF_TOKEN to a token that may write" if status in (401, 403) else ""
        )
        raise PublishingError(f"the Hub answered {status} for {repo}{hint} ({str(error).splitlines()[0]})") from error
    except unreachable() as error:
        raise PublishingError(f"the Hub cannot be reached for {repo}: {error}") from error
    return str(commit)


def _merge(base: str, adapter: Path, folder: Path) -> None:
    """The base model with the adapter in its weights, and its tokenizer or processor."""
    import transformers
    from peft import PeftModel

    try:
        config = transformers.AutoConfig.from_pretrained(base)
        sees = hasattr(config, "vision_config")
        kind = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
        model: Any = PeftModel.from_pretrained(kind.from_pretrained(base, dtype="auto"), adapter)
    except OSError as error:
        raise ConfigurationError(f"model: cannot load {base!r} to merge into: {str(error).splitlines()[0]}") from error
    model.merge_and_unload().save_pretrained(folder)
    if sees:
        from llmi_train.vision import processor_of

        processor_of(base, config).save_pretrained(folder)
    else:
        transformers.AutoTokenizer.from_pretrained(base).save_pretrained(folder)


def _name_base(folder: Path, base: str) -> None:
    """The adapter names its base as the recipe does; a path on this machine would help nobody but is left as it is."""
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    if not Path(base).exists() and base.count("/") == 1:
        config["base_model_name_or_path"] = base
        path.write_text(json.dumps(config, indent=2) + "\n")


def _draw(curves: Curves, folder: Path) -> dict[str, str]:
    """The reward and its components as PNG files."""
    from llmi_sandbox import report
    from llmi_train.watching.charts import CHARTS, reward_figure

    folder.mkdir()
    drawn = {}
    if curves.known("reward"):
        report.save_png(reward_figure(curves), folder / "reward.png", dpi=120)
        drawn["The reward in training"] = f"{CURVES}/reward.png"
    components = next(chart for chart in CHARTS if chart.prefix == "components/").series(curves)
    if components:
        report.save_png(
            report.reward_curve(curves.steps, components, y_label="mean"), folder / "components.png", dpi=120
        )
        drawn["Components of the reward"] = f"{CURVES}/components.png"
    return drawn

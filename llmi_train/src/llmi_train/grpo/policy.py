"""The policy of a run and what turns prompts into its inputs; and the rows of a run, as that policy takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_schema import ConfigurationError, system_prompt

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin

COMPOSED = "demo:"
_COLUMNS = ("prompt", "image_count", "required_tools", "images")
_OPTIONAL = ("constrain",)


def sees(name: str) -> bool:
    """Whether a model takes pictures, by its configuration alone.

    Raises `ConfigurationError` when there is no model of that name.
    """
    from transformers import AutoConfig

    try:
        return hasattr(AutoConfig.from_pretrained(name), "vision_config")
    except OSError as error:
        raise _not_loaded(name, error) from error


def load_policy(
    name: str, *, max_pixels: int | None = None, **settings: Any
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase | ProcessorMixin]:
    """A policy and its tokenizer, or its processor if it sees pictures, from a folder or the Hub.

    Args:
        settings: further arguments of `from_pretrained`.

    Raises `ConfigurationError` when it cannot be loaded, or would be trained without ever seeing a picture.
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    kind = AutoModelForImageTextToText if sees(name) else AutoModelForCausalLM
    try:
        model = kind.from_pretrained(name, **{"dtype": "auto", **settings})
    except OSError as error:
        raise _not_loaded(name, error) from error
    return model, load_processing(name, max_pixels=max_pixels)


def load_processing(name: str, *, max_pixels: int | None = None) -> PreTrainedTokenizerBase | ProcessorMixin:
    """What `load_policy` gives beside the model."""
    from transformers import AutoConfig, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(name)
        if hasattr(config, "vision_config"):
            from llmi_train.vision import processor_of

            return processor_of(name, config, max_pixels=max_pixels)
        return AutoTokenizer.from_pretrained(name, padding_side="left")
    except OSError as error:
        raise _not_loaded(name, error) from error


def _not_loaded(name: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"model: cannot load {name!r}: {str(error).splitlines()[0]}")


def load_rows(source: Path) -> Dataset:
    """The training rows of a folder that llmi_data wrote, or as many as `demo:64` says, composed on the spot."""
    from datasets import DatasetDict, load_from_disk

    if str(source).startswith(COMPOSED):
        return composed_rows(str(source))
    try:
        data = load_from_disk(str(source))
    except FileNotFoundError as error:
        raise ConfigurationError(f"data: {source} holds no dataset; make one with `llmi-data generate`") from error
    rows = data["train"] if isinstance(data, DatasetDict) else data
    return rows.select_columns([name for name in (*_COLUMNS, *_OPTIONAL) if name in rows.column_names])


def composed_rows(source: str) -> Dataset:
    """Rows for trying a recipe without a dataset."""
    from llmi_data import Plan, make_dataset
    from llmi_data.dataset import to_dataset

    number = source.removeprefix(COMPOSED)
    if not number.isdigit() or int(number) < 1:
        raise ConfigurationError(f"data: {source!r} is a number of rows to compose, such as {COMPOSED}64, or a folder")
    made = make_dataset(Plan.demo(rows=max(48, int(number)), test_share=0))
    return to_dataset(made.split.train[: int(number)]).select_columns(list(_COLUMNS))


def training_columns(
    rows: Dataset,
    processing: PreTrainedTokenizerBase | ProcessorMixin,
    *,
    instruct: bool = False,
    max_prompt_tokens: int | None = None,
) -> Dataset:
    """Rows as the trainer takes them.

    A policy that sees gets the user's pictures as `images`; for one that does not they become `input_pictures`, which
    only the reward reads, since TRL would hand `images` to its tokenizer.

    Args:
        instruct: begin every prompt with the system prompt that teaches the tags.
        max_prompt_tokens: leave longer prompts out, pictures not counted.

    Raises `ConfigurationError` when no row is left.
    """
    from datasets import Image

    shown = hasattr(processing, "image_processor")
    if instruct:
        rows = rows.map(_instructed)
    if max_prompt_tokens is not None:
        rows = rows.filter(_short_enough(processing, max_prompt_tokens))
    if not len(rows):
        raise ConfigurationError(f"data: no prompt has at most {max_prompt_tokens} tokens (max_prompt_tokens)")
    rows = rows.cast_column("images", [Image(decode=shown)])
    return rows if shown else rows.rename_column("images", "input_pictures")


def _instructed(row: dict[str, Any]) -> dict[str, Any]:
    system = {"role": "system", "content": system_prompt(input_images=len(row["images"]))}
    return {"prompt": [system, *row["prompt"]]}


def _short_enough(processing: Any, most: int) -> Callable[[dict[str, Any]], bool]:
    tokenizer = getattr(processing, "tokenizer", processing)

    def fits(row: dict[str, Any]) -> bool:
        ids = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=True)["input_ids"]
        return len(ids) <= most

    return fits

"""Where a model's dimensions come from: its own `config.json`, or the ones that ship with this package."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_schema import ConfigurationError

if TYPE_CHECKING:
    from transformers import PretrainedConfig

BACKBONES = Path(__file__).parent / "backbones"
"""Dimensions of the published backbones, as their public `config.json` has them."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Architecture:
    """A model's configuration, and a sentence on where it was read."""

    config: PretrainedConfig
    source: str

    @property
    def text(self) -> Any:
        """The language model's part of the configuration."""
        return self.config.get_text_config()

    @property
    def sees(self) -> bool:
        """Whether the model takes pictures."""
        return hasattr(self.config, "vision_config")

    def build(self, *, layers: int | None = None, dtype: Any = None) -> Any:
        """The model on whatever device is the default one, with `layers` decoder layers or all of them."""
        from copy import deepcopy

        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

        config = self.config
        if layers is not None:
            config = deepcopy(config)
            text = config.get_text_config()
            text.num_hidden_layers = layers
            if getattr(text, "layer_types", None):
                text.layer_types = (text.layer_types * layers)[:layers]
        kind = AutoModelForImageTextToText if self.sees else AutoModelForCausalLM
        return kind.from_config(config, dtype=dtype)


def architecture_of(model: str | Path, *, offline: bool | None = None) -> Architecture:
    """The architecture of a folder, a Hub name, or a published backbone whose dimensions ship with this package.

    Args:
        model: as a recipe names it.
        offline: True does not ask the Hub; by default `HF_HUB_OFFLINE` decides.

    Raises `ConfigurationError` when the model is none of them.
    """
    from transformers import AutoConfig

    here = Path(model)
    if (here / "config.json").is_file():
        return Architecture(AutoConfig.from_pretrained(here), f"{here}/config.json")
    shipped = BACKBONES / f"{Path(model).name.lower()}.json"
    try:
        config = AutoConfig.from_pretrained(str(model), local_files_only=bool(offline))
    # The Hub's client, its cache and the configuration's own checks fail in a dozen ways; each means that nothing
    # can be read there.
    except Exception as error:  # noqa: BLE001
        logger.debug("no configuration of %s on the Hub or in its cache", model, exc_info=error)
        if shipped.is_file():
            return Architecture(_shipped(shipped), f"the dimensions of {shipped.stem} that ship with llmi_train")
        known = ", ".join(sorted(path.stem for path in BACKBONES.glob("*.json")))
        raise ConfigurationError(
            f"model: {str(model)!r} is no folder with a config.json, and the Hub has not answered for it "
            f"({str(error).splitlines()[0][:120]}); without a network only {known} are known"
        ) from error
    return Architecture(config, f"config.json of {model} on the Hub (or its cache here)")


def _shipped(path: Path) -> PretrainedConfig:
    from transformers import AutoConfig

    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return AutoConfig.for_model(values.pop("model_type"), **values)

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


def architecture_of(model: str | Path, *, offline: bool = False) -> Architecture:
    """The architecture of a folder, of a model in the Hub's cache here, of a published backbone whose dimensions ship
    with this package, or of any other model on the Hub; in this order, so that the known ones need no network.

    Args:
        model: as a recipe names it.
        offline: do not ask the Hub.

    Raises `ConfigurationError` when the model is none of them.
    """
    from transformers import AutoConfig

    here = Path(model)
    if (here / "config.json").is_file():
        return Architecture(AutoConfig.from_pretrained(here), f"{here}/config.json")
    if (cached := _read(str(model), local=True)) is not None:
        return Architecture(cached, f"config.json of {model} in the Hub's cache here")
    shipped = BACKBONES / f"{Path(model).name.lower()}.json"
    if shipped.is_file():
        return Architecture(_shipped(shipped), f"the dimensions of {shipped.stem} that ship with llmi_train")
    if not offline and (fetched := _read(str(model), local=False)) is not None:
        return Architecture(fetched, f"config.json of {model} on the Hub")
    known = ", ".join(sorted(path.stem for path in BACKBONES.glob("*.json")))
    raise ConfigurationError(
        f"model: {str(model)!r} is no folder with a config.json, and the Hub has not answered for it; without a "
        f"network only {known} are known"
    )


def _read(name: str, *, local: bool) -> PretrainedConfig | None:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(name, local_files_only=local)
    except (OSError, ValueError) as error:  # what transformers makes of everything that can be wrong there
        logger.debug("no configuration of %s", name, exc_info=error)
        return None


def _shipped(path: Path) -> PretrainedConfig:
    from transformers import AutoConfig

    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return AutoConfig.for_model(values.pop("model_type"), **values)

"""Processors: those of the Qwen vision-language models need Pillow alone, and none is ever a bare tokenizer.

The stock ones of Qwen need torchvision, for videos; without it `AutoProcessor` hands back a bare tokenizer, and a
trainer would go on without ever showing the model a picture. The ones here take pictures and no videos, and a batch
may mix rows with and without pictures.
"""

from __future__ import annotations

from typing import Any, ClassVar

from transformers import AutoProcessor, AutoTokenizer, ProcessorMixin
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from llmi_schema import ConfigurationError

FAMILIES = frozenset({"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe"})
"""The `model_type`s that these processors are for."""

IMAGE, VISION_START, VISION_END = "<|image_pad|>", "<|vision_start|>", "<|vision_end|>"


class PictureProcessor(ProcessorMixin):
    """Pictures and text to what a Qwen vision-language model takes.

    Every picture stands in the text as one `<|image_pad|>`, which is repeated here as often as the model sees tokens
    of it.
    """

    attributes: ClassVar[list[str]] = ["image_processor", "tokenizer"]

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        self.image_token = IMAGE
        self.image_token_id = tokenizer.convert_tokens_to_ids(IMAGE)
        if self.image_token_id in (None, tokenizer.unk_token_id):
            raise ConfigurationError(f"the tokenizer has no {IMAGE}: it is not that of a Qwen vision-language model")
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    def __call__(self, images: Any = None, text: Any = None, **settings: Any) -> Any:
        """As every processor; `images` has a list per text, or None where a text has none."""
        if isinstance(images, list):
            images = [[] if row is None else row for row in images] if any(images) else None
        settings.setdefault(
            "return_mm_token_type_ids", True
        )  # without them pictures have positions as if they were text
        return super().__call__(images=images, text=text, **settings)

    def replace_image_token(self, image_inputs: dict[str, Any], image_idx: int, **settings: Any) -> str:
        merged: int = self.image_processor.merge_size**2
        return IMAGE * (int(image_inputs["image_grid_thw"][image_idx].prod()) // merged)

    @property
    def model_input_names(self) -> list[str]:
        return [*super().model_input_names, "mm_token_type_ids"]


def load_processor(name: str, *, max_pixels: int | None = None) -> PictureProcessor:
    """The processor of a folder or Hub name; pictures are made smaller to `max_pixels`.

    Raises OSError when it is not there.
    """
    size = {} if max_pixels is None else {"max_pixels": max_pixels}
    pictures = Qwen2VLImageProcessorPil.from_pretrained(name, **size)
    tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
    return PictureProcessor(pictures, tokenizer, tokenizer.chat_template or _template_file(name))


def processor_of(name: str, config: Any, *, max_pixels: int | None = None) -> ProcessorMixin:
    """The processor of any model that sees pictures, `load_processor`'s or the stock one.

    Raises OSError when it is not there, and `ConfigurationError` where there is only a tokenizer: the model would be
    shown no pictures, and nobody would be told.
    """
    if config.model_type in FAMILIES:
        return load_processor(name, max_pixels=max_pixels)
    processor = AutoProcessor.from_pretrained(name, padding_side="left")
    if not isinstance(processor, ProcessorMixin):
        raise ConfigurationError(
            f"model: {name!r} sees pictures, but transformers found no processor for {config.model_type} and would "
            "give it text alone: install torchvision, or choose a Qwen vision-language model"
        )
    return processor


def _template_file(name: str) -> str | None:
    """The chat template where it is a file of its own, as with processors."""
    from transformers.utils import cached_file

    path = cached_file(name, "chat_template.jinja", _raise_exceptions_for_missing_entries=False)
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()

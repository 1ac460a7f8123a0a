"""The tokenizer or processor: whether a trainer would show the model what it is meant to see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmi_train.doctor.finding import Finding

_TURN = [{"role": "user", "content": "Hi"}]
_ANSWER = [*_TURN, {"role": "assistant", "content": "Ho"}]


def load(model: str | Path, *, sees: bool) -> Any:
    """What a run would load, without the network. Raises OSError when it is not on this machine."""
    from transformers import AutoConfig, AutoTokenizer

    if sees:
        from llmi_train.vision import processor_of

        return processor_of(str(model), AutoConfig.from_pretrained(model, local_files_only=True))

    return AutoTokenizer.from_pretrained(model, padding_side="left", local_files_only=True)


def at_hand(model: str | Path, error: OSError) -> Finding:
    """The finding for a tokenizer that is not on this machine: downloading it is the run's business."""
    return Finding(
        "tokenizer",
        False,
        f"{model} is not on this machine ({str(error).splitlines()[0][:100]})",
        f"It is downloaded when the run starts; to check it now type: hf download {model} --include '*token*' '*.json'",
        warning=True,
    )


def templates(processor: Any) -> Iterator[Finding]:
    """A chat template that opens the answer's turn and ends it with the end token; a padding token of its own."""
    tokenizer = getattr(processor, "tokenizer", processor)
    template = getattr(processor, "chat_template", None) or tokenizer.chat_template
    if not template:
        yield Finding(
            "chat template", False, "there is none, and prompts are chat messages", "Use an instruction-tuned model"
        )
        return
    prompt = processor.apply_chat_template(_TURN, tokenize=False, add_generation_prompt=True)
    whole = processor.apply_chat_template(_ANSWER, tokenize=False)
    opened = processor.apply_chat_template(_TURN, tokenize=False)
    yield Finding(
        "chat template",
        len(prompt) > len(opened) and "Hi" in prompt,
        f"opens an answer with {prompt[len(opened) :]!r}" if prompt != opened else "does not open the answer's turn",
        "The template must heed add_generation_prompt: use the one of the model's own repository",
    )
    end = tokenizer.eos_token
    yield Finding(
        "end of turn",
        bool(end) and whole.rstrip().endswith(end),
        f"an answer ends with {end}"
        if end and whole.rstrip().endswith(end)
        else f"an answer ends with {whole[-20:]!r}, but the end token is {end}: no answer would ever count as finished",
        "Set eos_token in the model's tokenizer_config.json to what ends an answer's turn",
    )
    pad = tokenizer.pad_token
    yield Finding(
        "padding",
        pad is not None and pad != end,
        f"with {pad}" if pad and pad != end else f"the padding token is {pad}, the end token {end}",
        "Set pad_token in the model's tokenizer_config.json to a token of its own",
        warning=True,
    )


def sight(processor: Any, *, sees: bool) -> Iterator[Finding]:
    """Whether a model that takes pictures is given them.

    Without torchvision the stock `AutoProcessor` hands back a bare tokenizer, and training would go on without ever
    showing the model a picture.
    """
    if not sees:
        return
    if not hasattr(processor, "image_processor"):
        yield Finding(
            "pictures",
            False,
            f"the model takes pictures, but {type(processor).__name__} hands it text only",
            "Load it with llmi_train.vision.load_processor, which needs Pillow alone, or pip install torchvision",
        )
        return
    from PIL import Image

    seen = processor(images=[[Image.new("RGB", (56, 56), "white")]], text=[_picture_prompt(processor)])
    patches = "pixel_values" in seen and len(seen["pixel_values"])
    yield Finding(
        "pictures",
        bool(patches),
        f"a picture of 56 × 56 pixels becomes {patches} patches"
        if patches
        else "a picture leaves no trace in the input",
        "Load the processor with llmi_train.vision.load_processor",
    )


def _picture_prompt(processor: Any) -> str:
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}
    text: str = processor.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    return text


def constraints(tokenizer: Any, budget: int) -> Finding:
    """Whether documents can be forced with this tokenizer in `budget` tokens."""
    from llmi_schema import ConstraintError, ImageCount, RowConstraint
    from llmi_schema.decoding import DocumentProcessor

    row = RowConstraint(ImageCount.exactly(1))
    try:
        DocumentProcessor(tokenizer, len(getattr(tokenizer, "tokenizer", tokenizer)), [row], budget)
    except ConstraintError as error:
        return Finding("constraints", False, str(error), "Raise max_completion_length, or set constrain: none")
    return Finding("constraints", True, f"the tag language can be forced within {budget} tokens")

"""`LocalPolicy` with models of some ten thousand weights."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from llmi_data import MadeDataset
from llmi_sandbox.pictures import encode
from llmi_schema import (
    ConfigurationError,
    ConstraintError,
    ImageCount,
    Picture,
    Provenance,
    RowConstraint,
    document_grammar,
)
from llmi_train.policies import Completion, LocalPolicy, Request, Writer, WritingError, load_policy

ASKED = [{"role": "user", "content": "A fox 🦊"}]


@pytest.fixture
def policy(model: Any, tokenizer: Any) -> LocalPolicy:
    return LocalPolicy(Writer(model.eval(), tokenizer, max_new_tokens=60, batch_size=4))


def watch_batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each batch had."""
    import llmi_train.policies.local_policy as module

    sizes: list[int] = []
    generate = module.generate

    def counting(model: Any, tokenizer: Any, batch: Any, rows: Any, limit: int) -> Any:
        sizes.append(len(rows))
        return generate(model, tokenizer, batch, rows, limit)

    monkeypatch.setattr(module, "generate", counting)
    return sizes


def gather_for(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough that a busy machine has handed over all requests of a test."""
    monkeypatch.setattr("llmi_train.policies.batching.GATHER_SECONDS", seconds)


async def test_requests_share_batches_and_are_what_they_are_alone(
    policy: LocalPolicy, made: MadeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = watch_batches(monkeypatch)
    gather_for(0.5, monkeypatch)
    asked = [Request(row.messages, temperature=0.0 if i % 2 else 1.0, seed=i) for i, row in enumerate(made.test[:6])]
    together = await asyncio.gather(*map(policy.write, asked))
    assert sizes == [4, 2]
    gather_for(0, monkeypatch)
    alone = [await policy.write(request) for request in asked]
    assert [c.text for c in together] == [c.text for c in alone]
    assert all(c.prompt_tokens > 0 and c.tokens > 0 for c in together)
    assert sizes == [4, 2, 1, 1, 1, 1, 1, 1]


async def test_seeds_tell_samples_apart(policy: LocalPolicy) -> None:
    texts = [(await policy.write(Request(ASKED, temperature=1.0, seed=seed))).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


async def test_the_likeliest_tokens_are_those_of_the_writer(policy: LocalPolicy, made: MadeDataset) -> None:
    prompts = [row.messages for row in made.test[:3]]
    assert [(await policy.write(Request(prompt))).text for prompt in prompts] == [
        completion.text for completion in policy.writer.complete(prompts)
    ]


async def test_pieces_add_up_to_the_completion(policy: LocalPolicy) -> None:
    request = Request(ASKED, temperature=1.5, seed=5)
    pieces = [piece async for piece in policy.stream(request)]
    *texts, completion = pieces
    assert isinstance(completion, Completion)
    assert "".join(map(str, texts)) == completion.text
    assert len(texts) > 10
    assert (await policy.write(request)) == completion


async def test_each_row_keeps_to_its_own_constraint(policy: LocalPolicy) -> None:
    counts = [ImageCount.none(), ImageCount.exactly(1), ImageCount.exactly(2)]
    rows = [RowConstraint(count) for count in counts]
    written = await asyncio.gather(
        *(
            policy.write(Request(ASKED, temperature=1.5, seed=i, max_tokens=120, constraint=r))
            for i, r in enumerate(rows)
        )
    )
    for row, completion in zip(rows, written, strict=True):
        assert document_grammar(row).accepts(completion.text)
        assert completion.finished


async def test_one_impossible_row_costs_its_neighbours_nothing(policy: LocalPolicy) -> None:
    possible = Request(ASKED, constraint=RowConstraint())
    impossible = Request(ASKED, constraint=RowConstraint(ImageCount.exactly(40)))
    results = await asyncio.gather(*map(policy.write, (possible, impossible, possible)), return_exceptions=True)
    assert isinstance(results[0], Completion)
    assert results[2] == results[0]
    assert isinstance(results[1], ConstraintError)


async def test_what_a_model_raises_is_told_to_the_one_it_concerns(
    policy: LocalPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    import llmi_train.policies.local_policy as module

    generate = module.generate

    def broken(model: Any, tokenizer: Any, batch: Any, rows: Any, limit: int) -> Any:
        if any(row.seed == 7 for row in rows):
            raise RuntimeError("CUDA out of memory")
        return generate(model, tokenizer, batch, rows, limit)

    monkeypatch.setattr(module, "generate", broken)
    results = await asyncio.gather(
        *(policy.write(Request(ASKED, seed=seed)) for seed in (1, 7, 2)), return_exceptions=True
    )
    assert [type(result) for result in results] == [Completion, WritingError, Completion]
    assert "out of memory" in str(results[1])


async def test_stopping_ends_the_row_and_leaves_no_thread(policy: LocalPolicy) -> None:
    import threading

    async with aclosing(policy.stream(Request(ASKED, max_tokens=5000, temperature=1.0))) as pieces:
        await anext(pieces)
    await policy.aclose()
    assert not any("llmi-train-writing" in thread.name for thread in threading.enumerate())


async def test_a_second_event_loop_may_use_the_same_policy(policy: LocalPolicy) -> None:
    first = await policy.write(Request(ASKED))
    assert await asyncio.to_thread(lambda: asyncio.run(policy.write(Request(ASKED)))) == first


async def test_a_folder_is_loaded_and_known_by_what_is_in_it(base: Path) -> None:
    policy = load_policy(str(base), max_tokens=30)
    assert isinstance(policy, LocalPolicy)
    assert (await policy.write(Request(ASKED))).tokens <= 30
    assert load_policy(str(base), max_tokens=30).identity == policy.identity
    assert load_policy(str(base), max_tokens=31).identity != policy.identity
    assert load_policy(str(base), max_tokens=30, instruct=True).identity != policy.identity
    (base / "model.safetensors").touch()
    assert load_policy(str(base), max_tokens=30).identity != policy.identity
    with pytest.raises(ConfigurationError, match="cannot load"):
        load_policy(str(base / "nothing"))
    with pytest.raises(ConfigurationError, match="cannot load"):
        load_policy(f"{base}+{base}/nothing")


@pytest.fixture(scope="module")
def seeing(made: MadeDataset) -> tuple[LocalPolicy, list[Any]]:
    """A Llava with random weights; a picture is four tokens. Also what its processor was given."""
    import torch
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    from llmi_train.tiny import build_model, train_tokenizer

    tokenizer = train_tokenizer([row.text for row in made.train])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|picture|>"]})
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for p in m.content %}"
        "{{ '<|picture|>' if p.type == 'image' else p.text }}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    torch.manual_seed(0)
    language = build_model(tokenizer, hidden=32, layers=1).config
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        projection_dim=32,
    )
    place = tokenizer.convert_tokens_to_ids("<|picture|>")
    config = LlavaConfig(vision_config=vision, text_config=language, image_token_index=place, image_seq_length=4)
    side = {"height": 28, "width": 28}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size=side, crop_size=side),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        image_token="<|picture|>",
        num_additional_image_tokens=1,
        chat_template=template,
    )
    given: list[Any] = []

    def read(**inputs: Any) -> Any:
        given.append(inputs["images"])
        return processor(**inputs)

    read.apply_chat_template = processor.apply_chat_template  # type: ignore[attr-defined]
    model = LlavaForConditionalGeneration(config).eval()
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return LocalPolicy(Writer(model, tokenizer, max_new_tokens=24, batch_size=4), processor=read), given


def picture(shade: int) -> Picture:
    from PIL import Image

    return encode(Image.new("RGB", (40, 30), (shade, 80, 255 - shade)), Provenance(tool="input", provider="user"))


async def test_a_model_that_sees_is_shown_the_pictures(
    seeing: tuple[LocalPolicy, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, given = seeing
    gather_for(0.5, monkeypatch)
    asked = [Request(ASKED, (picture(0),)), Request(ASKED, (picture(255), picture(9))), Request(ASKED)]
    together = await asyncio.gather(*map(policy.write, asked))
    assert [[len(images) for images in batch] if batch else None for batch in given] == [[1, 2], None]
    assert together[1].prompt_tokens == together[0].prompt_tokens + 4
    row = RowConstraint(ImageCount.none(), input_images=1)
    constrained = await policy.write(Request(ASKED, (picture(0),), constraint=row))
    assert document_grammar(row).accepts(constrained.text)


async def test_a_model_that_does_not_see_is_given_the_words(policy: LocalPolicy) -> None:
    parts = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": ASKED[0]["content"]}]}]
    assert await policy.write(Request(parts, (picture(0),))) == await policy.write(Request(ASKED))


async def test_a_qwen_that_sees_is_loaded_with_its_eyes(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    from llmi_train.twins import twin
    from llmi_train.vision import FAMILIES, PictureProcessor

    folder = twin("twin:qwen2.5-vl", tmp_path_factory.mktemp("seeing") / "twin")
    policy = LocalPolicy.load(folder, max_new_tokens=4)
    assert isinstance(policy.processor, PictureProcessor)
    seen = await policy.write(Request(ASKED, (picture(0),)))
    assert seen.prompt_tokens > (await policy.write(Request(ASKED))).prompt_tokens
    monkeypatch.setattr("llmi_train.vision.FAMILIES", FAMILIES - {"qwen2_5_vl"})  # a family we have no processor for
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    monkeypatch.setattr("llmi_train.vision.AutoProcessor.from_pretrained", lambda *args, **settings: tokenizer)
    with pytest.raises(ConfigurationError, match="would give it text alone: install torchvision"):
        LocalPolicy.load(folder)

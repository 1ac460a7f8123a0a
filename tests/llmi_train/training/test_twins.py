"""Every architecture is really trained: the shipped tiny recipes, as `llmi-train grpo` runs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llmi_data import MadeDataset, Split
from llmi_data import dataset as saved
from llmi_sandbox import Toolkit
from llmi_schema import ConfigurationError, Constraint, ImageCount, parse
from llmi_train import Recipe, train
from llmi_train.grpo.completions import kept_steps, read
from llmi_train.twins import twin
from llmi_train.vision import load_processor

Tiny = Callable[..., Recipe]


@pytest.fixture
def rows(made: MadeDataset, tmp_path: Path) -> Path:
    """Rows with and without pictures of the user's, in turn."""
    with_pictures = [row for row in made.train if row.images][:4]
    without = [row for row in made.train if not row.images][:4]
    mixed = [row for pair in zip(with_pictures, without, strict=True) for row in pair]
    saved.save(Split(train=tuple(mixed), test=tuple(mixed[:1])), tmp_path / "rows")
    return tmp_path / "rows"


@contextmanager
def seen_pictures() -> Iterator[list[tuple[int, int]]]:
    """How many patches of pictures and how many texts went through vision-language models in the meantime."""
    from torch.nn.modules.module import register_module_forward_pre_hook

    seen: list[tuple[int, int]] = []

    def look(module: Any, args: Any) -> None:
        if type(module).__name__.endswith(("VisionTransformerPretrainedModel", "VLVisionModel")):
            seen.append((len(args[0]), 1))

    hook = register_module_forward_pre_hook(look)
    try:
        yield seen
    finally:
        hook.remove()


@pytest.mark.parametrize("name", ["qwen3", "qwen3-moe", "qwen2.5-vl", "qwen3-vl"])
def test_it_trains(name: str, tiny: Tiny, rows: Path, toolkit: Toolkit) -> None:
    from safetensors.torch import load_file

    recipe = tiny(name, data=rows, grpo={"shuffle_dataset": False})
    with seen_pictures() as seen:
        adapter = train(recipe, toolkit=toolkit)
    weights = load_file(adapter / "adapter_model.safetensors")
    assert any(weight.abs().max() > 0 for key, weight in weights.items() if "lora_B" in key)
    assert bool(seen) == ("vl" in name)
    assert not any("visual" in key for key in weights)
    if name == "qwen3-moe":
        assert any("experts" in key for key in weights)
        assert not any("mlp.gate." in key for key in weights)
    log = [json.loads(line) for line in (recipe.output_dir / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log if "loss" in entry] == [1, 2]
    first = log[0]
    assert first["grad_norm"] > 0
    assert first["unscored"] == 0
    assert first["constraint/rows"] == 1
    assert first["constraint/log_ratio"] < -10  # random weights would not have written documents by themselves
    assert {"components/count", "pictures/delivered", "documents/finished", "reward/waited_seconds"} <= first.keys()


def test_rollouts_that_are_held_to_their_rows_satisfy_them(tiny: Tiny, rows: Path, toolkit: Toolkit) -> None:
    recipe = tiny(data=rows, grpo={"max_steps": 1, "shuffle_dataset": False}, completions={"every": 1, "rows": 16})
    train(recipe, toolkit=toolkit)
    labels = {row.text: row.constraint for row in saved.load(rows).train}
    found = list(read(kept_steps(recipe.output_dir)[1]))
    assert len(found) == 16
    for completion in found:
        wanted: Constraint = labels[completion.prompt[-1]["content"]]
        document = parse(completion.completion, completion.document.document.input_images)  # type: ignore[union-attr]
        assert document.finished
        assert not document.bad_tags
        assert wanted.count.allows(len(document.calls))
        assert wanted.required_tools <= {call.source for call in document.calls}
        assert not completion.truncated


def test_a_row_says_itself_what_holds_it(tiny: Tiny, rows: Path, toolkit: Toolkit) -> None:
    from datasets import Dataset

    mixed = saved.to_dataset(saved.load(rows).train).add_column("constrain", ["none", "syntax"] * 4)
    assert isinstance(mixed, Dataset)
    mixed.save_to_disk(str(rows.with_name("labelled")))
    recipe = tiny(
        data=rows.with_name("labelled"),
        completions={"every": 1, "rows": 16},
        grpo={"max_steps": 1, "shuffle_dataset": False},
    )
    train(recipe, toolkit=toolkit)
    log = json.loads((recipe.output_dir / "log.jsonl").read_text().splitlines()[0])
    assert log["constraint/rows"] == 0.5
    found = list(read(kept_steps(recipe.output_dir)[1]))
    free, held = found[:8], found[8:]
    assert not all(parse(c.completion).finished and not c.truncated for c in free)
    assert all(parse(c.completion).finished and not c.truncated for c in held)


def test_the_reward_is_begun_while_others_are_written(
    tiny: Tiny, rows: Path, toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmi_train.grpo import run
    from llmi_train.grpo.scoring import Scoring
    from llmi_train.grpo.trainer import DocumentTrainer

    writing = False
    begun: list[tuple[int, bool]] = []
    single_turn, begin = DocumentTrainer._generate_single_turn, Scoring.begin
    policy = run.end_tokens

    def watched(self: Any, *args: Any, **settings: Any) -> Any:
        nonlocal writing
        writing = True
        try:
            return single_turn(self, *args, **settings)
        finally:
            writing = False

    def noted(self: Any, completions: Any, *args: Any) -> None:
        begun.extend((completion.number, writing) for completion in completions)
        begin(self, completions, *args)

    def many_ends(model: Any, processing: Any) -> set[int]:
        model.generation_config.eos_token_id = [*range(40), processing.eos_token_id]  # so that rows end all the time
        return policy(model, processing)

    monkeypatch.setattr(DocumentTrainer, "_generate_single_turn", watched)
    monkeypatch.setattr(Scoring, "begin", noted)
    monkeypatch.setattr(run, "end_tokens", many_ends)
    train(tiny(data=rows, constrain="none", grpo={"max_steps": 1}), toolkit=toolkit)
    assert sorted(number for number, _ in begun) == list(range(16))
    assert sum(early for _, early in begun) >= 8


def test_the_model_is_told_which_tokens_are_pictures(tmp_path: Path) -> None:
    """Else it counts their positions as if they were text, and some transformers say nothing."""
    from PIL import Image

    processor = load_processor(str(twin("twin:qwen3-vl", tmp_path)))
    texts = ["<|vision_start|><|image_pad|><|vision_end|> a square", "no picture"]
    given = processor(images=[[Image.new("RGB", (64, 64))], None], text=texts, padding=True, return_tensors="pt")
    pictures = given["input_ids"] == processor.image_token_id
    assert pictures.sum() == 4
    assert (given["mm_token_type_ids"] == pictures).all()


def test_a_policy_that_sees_is_never_trained_blind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    from llmi_train.grpo.policy import load_policy
    from llmi_train.twins import twin
    from llmi_train.vision import FAMILIES

    folder = twin("twin:qwen2.5-vl", tmp_path / "twin")
    load_policy(str(folder))
    monkeypatch.setattr("llmi_train.vision.FAMILIES", FAMILIES - {"qwen2_5_vl"})  # a family we have no processor for
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", lambda *args, **settings: tokenizer)
    with pytest.raises(ConfigurationError, match="would give it text alone: install torchvision"):
        load_policy(str(folder))


def test_a_twin_that_does_not_exist_is_named(tmp_path: Path) -> None:
    from llmi_train.twins import twin

    with pytest.raises(ConfigurationError, match=r"twins are .*twin:qwen2\.5-vl"):
        twin("twin:llama", tmp_path / "twin")


def test_constraints_are_recognised() -> None:
    from llmi_train.grpo.constrained import row_constraints

    row = {"image_count": 2, "required_tools": ["search"], "images": [b"one"]}
    free, syntax, whole = row_constraints([row | {"constrain": kind} for kind in ("none", "syntax", "row")], "none")
    assert free is None
    assert syntax is not None
    assert (syntax.count, syntax.input_images) == (ImageCount(), 1)
    assert whole is not None
    assert (whole.count, whole.required_tools) == (ImageCount.exactly(2), frozenset({"search"}))
    with pytest.raises(ConfigurationError, match="constrain: 'tags' is none of none, syntax, row"):
        row_constraints([row | {"constrain": "tags"}], "none")


@pytest.mark.parametrize(
    ("constrain", "grpo", "seeing", "enforced"),
    [
        ("none", {"use_vllm": True}, True, False),
        ("syntax", {"use_vllm": True}, False, True),
        ("syntax", {"use_vllm": True}, True, None),
        ("row", {"use_vllm": True}, False, None),
        ("row", {}, True, False),
        ("syntax", {"use_transformers_continuous_batching": True}, False, None),
    ],
)
def test_an_engine_is_asked_for_what_it_can_enforce(
    tiny: Tiny, constrain: Any, grpo: dict[str, Any], seeing: bool, enforced: bool | None
) -> None:
    from llmi_train.grpo.policy import composed_rows
    from llmi_train.grpo.run import _constraint_of_the_engine

    recipe, rows = tiny(constrain=constrain, grpo=grpo), composed_rows("demo:2")
    if enforced is None:
        with pytest.raises(ConfigurationError, match="needs rollouts by transformers"):
            _constraint_of_the_engine(recipe, rows, seeing)
    else:
        settings = _constraint_of_the_engine(recipe, rows, seeing)
        assert bool(settings) == enforced
        if enforced:
            assert "::=" in settings["generation_kwargs"]["structured_outputs"]["grammar"]


def test_the_log_ratio_is_the_probability_of_what_was_allowed(tmp_path: Path) -> None:
    import math

    import torch

    from llmi_schema import RowConstraint
    from llmi_train.grpo.constrained import SomeRows
    from llmi_train.grpo.policy import load_policy
    from llmi_train.twins import twin

    _, tokenizer = load_policy(str(twin("twin:qwen3", tmp_path / "twin")))
    size = len(tokenizer)
    held = SomeRows(tokenizer, size, [None, RowConstraint()], 60, temperature=0.5, ends=[tokenizer.eos_token_id])
    ids = torch.zeros((2, 3), dtype=torch.long)
    expected = 0.0
    for token in [*tokenizer.encode("one fox"), tokenizer.eos_token_id, tokenizer.pad_token_id]:
        scores = held(ids, torch.zeros((2, size)))
        assert torch.isfinite(scores[0]).all()
        if tokenizer.eos_token_id not in ids[1]:
            expected += math.log(int(torch.isfinite(scores[1]).sum()) / size)
        ids = torch.cat([ids, torch.full((2, 1), token)], dim=1)
    assert held.places == [1]
    assert held.log_ratio.tolist() == [pytest.approx(expected, rel=1e-4)]
    assert expected < 0

"""Small synthetic copies of OpenING and ISG-Bench, and rows of our own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from reciting import Recites

from llmi_data import MadeDataset
from llmi_reward import presets
from llmi_sandbox import Toolkit
from llmi_schema import CodeCall, CodeParams, ConfigurationError, DiffusionCall, DiffusionParams
from llmi_train.evaluate import ISG, RULES, OpenING, RowsBenchmark, run_benchmark
from llmi_train.evaluate.rows import _confusions

FOX = DiffusionCall(description="a fox", params=DiffusionParams(prompt="a fox at dawn")).to_tag()
OWL = DiffusionCall(description="an owl", params=DiffusionParams(prompt="an owl at night")).to_tag()
BROKEN = CodeCall(description="nothing", params=CodeParams(code="raise ValueError")).to_tag()


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(out, "JPEG")
    return out.getvalue()


def opening_copy(folder: Path) -> Path:
    (folder / "images" / "Reports").mkdir(parents=True)
    (folder / "images" / "Reports" / "5-i-1.jpg").write_bytes(jpeg())
    items = [
        {
            "total_uid": "0302005",
            "meta_task_name": "Completion",
            "conversations": [
                {"input": [{"image": "./images/Reports/5-i-1.jpg", "text": "<BEGIN> Complete the page: <image>"}]},
                {
                    "output": [
                        {"text": "One <image>", "image": "./images/Reports/5-o-1.jpg"},
                        {"text": "b", "image": None},
                    ]
                },
            ],
        },
        {
            "total_uid": "1502010",
            "meta_task_name": "Brainstorming",
            "conversations": [
                {"input": [{"image": None, "text": "<BEGIN> An idea é, please."}]},
                {"output": [{"text": "An idea", "image": None}]},
            ],
        },
    ]
    (folder / "test_data.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return folder


async def test_opening_is_read_and_written_in_its_own_layout(tmp_path: Path, toolkit: Toolkit) -> None:
    benchmark = OpenING.load(opening_copy(tmp_path / "copy"), model="mine/model 1")
    first, second = benchmark.tasks
    assert first.messages[-1]["content"] == (
        "The number of generated text-image pairs can be 2: Complete the page: (picture 0)"
    )
    assert (len(first.pictures), len(second.pictures)) == (1, 0)
    text = f"First {FOX} second {BROKEN} third {OWL} end é"
    run = await run_benchmark(benchmark, Recites(lambda prompt: text), toolkit, tmp_path / "run")
    assert run.export == "gen_outputs/mine-model-1_output"
    out = tmp_path / "run" / run.export
    assert sorted(path.name for path in out.iterdir()) == [
        *("0302005-o-0.jpg", "0302005-o-1.jpg", "0302005.json", "1502010-o-0.jpg", "1502010-o-1.jpg", "1502010.json")
    ]
    written = (out / "0302005.json").read_text()
    item = json.loads(written)
    assert written == json.dumps(item, indent=4)  # as its own scripts dump it
    original = json.loads((tmp_path / "copy" / "test_data.jsonl").read_text().splitlines()[0])
    assert item["conversations"][0] == original["conversations"][0]
    assert item["conversations"][1]["output"] == [
        {"text": "First", "image": "0302005-o-0.jpg"},
        {"text": "second  third", "image": "0302005-o-1.jpg"},
        {"text": "end é", "image": None},
    ]
    with Image.open(out / "0302005-o-0.jpg") as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
    assert run.basis == RULES
    assert set(run.figures["by topic"]) == {"Completion", "Brainstorming"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 1"),
        ('{"total_uid": "../x", "conversations": [{"input": []}, {"output": []}]}', "cannot name a file"),
    ],
)
def test_what_is_no_opening_is_named_by_its_line(line: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "test_data.jsonl").write_text(line + "\n")
    with pytest.raises(ConfigurationError, match=problem):
        OpenING.load(tmp_path)


def test_a_picture_that_is_not_there_is_told_before_anything_is_written(tmp_path: Path) -> None:
    (opening_copy(tmp_path) / "images" / "Reports" / "5-i-1.jpg").unlink()
    with pytest.raises(ConfigurationError, match="it is not there"):
        OpenING.load(tmp_path)


def isg_copy(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "q1.png").write_bytes(jpeg())
    text, image = {"type": "text", "content": "t"}, {"type": "image", "content": "g.png"}
    items: list[dict[str, Any]] = [
        {"id": "0000", "Category": "HowTo", "Golden": [text, image, text]},
        {"id": "0001", "Category": "Prediction", "Golden": [image, image]},
        {"id": "0002", "Category": "Prediction", "Golden": [text]},
    ]
    for item in items:
        item["Query"] = [{"type": "text", "content": f"Show {item['id']}"}, {"type": "image", "content": "q1.png"}]
    (folder / "ISG-Bench.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    return folder


def as_isg_eval(item: dict[str, Any]) -> bool:
    """What `evaluate_structure` of ISG-eval.py compares."""
    answer, golden = (["text" if one["type"] == "text" else "image" for one in item[k]] for k in ("output", "Golden"))
    return answer == golden


async def test_isg_structure_is_scored_as_its_own_script_does(tmp_path: Path, toolkit: Toolkit) -> None:
    answers = {"0000": f"Look {FOX} and see", "0001": f"{FOX}{OWL} so", "0002": f"Only {BROKEN} words"}
    benchmark = ISG.load(isg_copy(tmp_path / "copy"))
    policy = Recites(lambda prompt: answers[prompt.split()[1]])
    run = await run_benchmark(benchmark, policy, toolkit, tmp_path / "run")
    assert [result.low for result in run.results] == [1.0, 0.0, 1.0]
    assert run.figures == {"structural": {"Image-Text": 1.0, "Temporal": 0.5}}
    lines = [json.loads(line) for line in (tmp_path / "run" / "isg-output.jsonl").read_text().splitlines()]
    assert [float(as_isg_eval(line)) for line in lines] == [result.low for result in run.results]
    assert all({"id", "Category", "Query", "Golden", "output"} <= set(line) for line in lines)
    pictures = [Path(one["content"]) for line in lines for one in line["output"] if one["type"] == "image"]
    assert len(pictures) == 3
    assert all(picture.is_absolute() and picture.exists() for picture in pictures)


async def test_rows_tell_components_tools_and_constraints(tmp_path: Path, made: MadeDataset, toolkit: Toolkit) -> None:
    rows = list(made.test)[:6]
    benchmark = RowsBenchmark.of(rows, presets.rules(), basis=RULES)
    run = await run_benchmark(benchmark, Recites(lambda prompt: f"Here. {FOX} There."), toolkit, tmp_path)
    figures = run.figures
    assert figures["documents"] == len(benchmark.tasks)
    assert figures["valid document"] == 1.0
    needed = [row for row in rows if row.required_tools]
    told = sum(set(row.required_tools) <= {"diffusion"} for row in needed) / len(needed)
    assert figures["every required tool called"] == figures["every required tool delivered"] == told
    right = sum(row.constraint.count.allows(1) for row in rows) / len(rows)
    assert figures["right number of pictures"] == right
    assert sum(count for used in figures["tools"].values() for count in used.values()) >= len(rows)
    assert {mark.question for mark in run.results[0].marks} >= {"format", "count", "tool"}


@pytest.mark.parametrize(
    ("required", "called", "pairs"),
    [
        (["search"], ["search"], [("search", "search")]),
        (["search"], ["diffusion"], [("search", "diffusion")]),
        (["search"], [], [("search", "nothing")]),
        ([], [], [("nothing", "nothing")]),
        ([], ["code"], [("nothing", "code")]),
        (["code", "edit"], ["code", "search"], [("code", "code"), ("edit", "search")]),
    ],
)
def test_a_confusion_says_what_came_in_place_of_what(
    required: list[str], called: list[str], pairs: list[tuple[str, str]]
) -> None:
    assert _confusions(required, called) == pairs

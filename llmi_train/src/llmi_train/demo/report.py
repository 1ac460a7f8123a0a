"""The demo's report: one HTML file, the numbers as JSON, the reward curve as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from llmi_reward import presets
from llmi_sandbox import report
from llmi_schema import Constraint, ImageCount, RenderedDocument
from llmi_schema.files import write_whole
from llmi_train.demo.settings import Folder


def build(folder: Folder) -> None:
    """Write `report.html`, `metrics.json` and `reward_curve.png` from what the stages left."""
    done = folder.done
    figure = _curve(done)
    report.save_png(figure, folder.curve)
    write_whole(folder.metrics, json.dumps(_metrics(done), indent=1))
    blocks = [
        _key_figures(done),
        report.heading("What training changed"),
        report.chart(
            figure,
            alt=f"Reward over {len(done['train']['log'])} training steps; on held-out prompts "
            f"{done['before']['judged']:.2f} before and {done['after']['judged']:.2f} after",
            caption="The reward that is trained on, the judges' marks included. Points are training steps, the line "
            "their running mean. The dashed levels are measured on scenario families and wordings that training never "
            "saw, with exact counts, sampled as in training.",
        ),
        report.chart(
            report.component_bars(done["before"]["satisfied"], done["after"]["satisfied"]),
            alt="Shares of held-out documents that are what was asked for, before and after training",
            caption="Shares of held-out documents that are what their prompt asked for, judged by the pictures that "
            "were delivered, whatever the judges say.",
        ),
        report.heading("The same prompts, before and after"),
        *_before_and_after(done),
        report.heading("Written under the constraint"),
        report.prose(
            f"{done['write']['answers']} documents sampled from the trained model while the tag language was enforced "
            f"token by token: {done['write']['invalid_documents']} are invalid. Only the syntax of tags is forced; "
            "which tools and how many pictures is the model's own choice."
        ),
        *(_card(record) for record in done["write"]["shown"]),
        report.heading("What was run"),
        *_what_ran(folder),
        report.heading("How to go on"),
        *_how_to_go_on(),
    ]
    html = report.page(
        "A tiny model learns to illustrate",
        blocks,
        kicker="LLM-I demo",
        lede="A language model writes prose with tool calls in it, tools turn the calls into pictures, and "
        "reinforcement learning teaches it which tool to use and how many pictures were asked for.",
        footer="Pictures from search are drawings of an offline gallery; generated and edited pictures come from "
        "offline stand-ins; charts are drawn by code the model wrote, run in the sandbox.",
    )
    write_whole(folder.report, html)


def _curve(done: dict[str, Any]) -> Any:
    log = done["train"]["log"]
    return report.reward_curve(
        [entry.get("step", number) for number, entry in enumerate(log, 1)],
        {"reward in training": [entry["reward"] for entry in log]},
        before=done["before"]["judged"],
        after=done["after"]["judged"],
    )


def _metrics(done: dict[str, Any]) -> dict[str, Any]:
    """Every number of the run, without the documents."""
    return {name: {k: v for k, v in result.items() if k != "shown"} for name, result in done.items()}


def _key_figures(done: dict[str, Any]) -> Markup:
    before, after = done["before"], done["after"]
    calls = _all_calls(done)
    attempted, ran = (sum(tool[key] for tool in calls.values()) for key in ("attempted", "ran"))
    return report.key_figures(
        report.KeyFigure(
            f"{after['reward']:.2f}", "held-out reward, by rules alone", f"{before['reward']:.2f} before training"
        ),
        report.KeyFigure(
            f"{after['judged']:.2f}", "with the judges, as trained on", f"{before['judged']:.2f} before training"
        ),
        report.KeyFigure(
            f"{after['satisfied']['right number of pictures']:.0%}",
            "of held-out documents have the right number of pictures",
            f"{before['satisfied']['right number of pictures']:.0%} before",
        ),
        report.KeyFigure(f"{ran:,}", "tool calls run", f"of {attempted:,} made; equal calls run once"),
    )


def _before_and_after(done: dict[str, Any]) -> list[Markup]:
    blocks: list[Markup] = []
    for before, after in zip(done["before"]["shown"], done["after"]["shown"], strict=True):
        blocks.append(report.request(before["prompt"], _constraint(before)))
        blocks.append(report.side_by_side(_card(before, asked=False), _card(after, asked=False)))
    return blocks


def _card(record: dict[str, Any], *, asked: bool = True) -> Markup:
    marks = report.Marks(record["score"], record["components"], record["reason"] or "")
    return report.document_card(
        RenderedDocument.model_validate(record["document"]),
        prompt=record["prompt"] if asked else "",
        constraint=_constraint(record) if asked else None,
        marks=marks,
    )


def _constraint(record: dict[str, Any]) -> Constraint:
    row = record["row"]
    return Constraint(count=ImageCount.decode(row["image_count"]), required_tools=frozenset(row["required_tools"]))


def _what_ran(folder: Folder) -> list[Markup]:
    done = folder.done
    stages = [(name, result["seconds"]) for name, result in done.items() if "seconds" in result]
    calls = [
        (tool, n["attempted"], n["ran"], n["succeeded"], n["seconds"], _reasons(n["reasons"]))
        for tool, n in _all_calls(done).items()
    ]
    data, warm = done["data"], done["warm_up"]
    return [
        report.prose(
            f"- **Data**: {data['train']['rows']} prompts for training and {data['test']['rows']} held out. They are "
            f"implicit: none names a tool. A blind reader, given prompts and pictures only, agreed with the labels of "
            f"{data['agreement']['share']:.1%} of {data['generated']} prompts; {sum(data['dropped'].values())} were "
            f"dropped.\n"
            f"- **Model**: a Qwen3 with {warm['parameters']:,} random weights, taught the tag language by supervised "
            f"training on {warm['demonstrations']:,} documents: short requests first, and at the end "
            f"those of careful authors among careless ones, who never read the prompt.\n"
            f"- **Training**: {len(done['train']['log'])} steps of GRPO on a LoRA adapter under DeepSpeed ZeRO-2.\n"
            f"- **Reward**: `{done['train']['reward']}`. {done['train']['judges']}\n"
            f"- **Reward by rules**: `{presets.rules()!r}`; it needs no judge, and is what the first figure measures."
        ),
        report.table(("stage", "seconds"), [*stages, ("in all", round(sum(seconds for _, seconds in stages), 1))]),
        report.table(
            ("tool", "calls", "ran", "pictures", "seconds", "failures"),
            calls,
            caption="A call equal to an earlier one is answered from the cache.",
        ),
    ]


def _how_to_go_on() -> Sequence[Markup]:
    return (
        report.prose(
            "The same commands train real models. On a machine with a GPU, and with tools and judges set up, which "
            "llmi-train doctor tells:"
        ),
        report.command("llmi-data generate --rows 4000 -o rows.jsonl", label="make prompts"),
        report.command("llmi-data dataset rows.jsonl -o dataset", label="split them"),
        report.command(
            "llmi-train grpo --config qwen3-4b-instruct --data dataset --output_dir runs/mine", label="train"
        ),
        report.command(
            'llmi-train write "A guide to lighthouses with two pictures" -o guide.html '
            "-m Qwen/Qwen3-4B-Instruct-2507+runs/mine/adapter",
            label="write",
        ),
    )


def _all_calls(done: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Tool statistics over the whole demo, stopped and resumed runs included: each run counts up from zero."""
    runs: list[dict[str, dict[str, Any]]] = []
    for result in done.values():
        if calls := result.get("tool_calls"):
            if runs and all(calls[t]["attempted"] >= runs[-1][t]["attempted"] for t in calls):
                runs[-1] = calls
            else:
                runs.append(calls)
    return _add_up(runs)


def _add_up(runs: Sequence[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    total: dict[str, dict[str, Any]] = {}
    for calls in runs:
        for tool, numbers in calls.items():
            sums = total.setdefault(tool, {"attempted": 0, "ran": 0, "succeeded": 0, "seconds": 0.0, "reasons": {}})
            for key in ("attempted", "ran", "succeeded", "seconds"):
                sums[key] += numbers[key]
            for reason, count in numbers["reasons"].items():
                sums["reasons"][reason] = sums["reasons"].get(reason, 0) + count
    return total


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())) or "none"

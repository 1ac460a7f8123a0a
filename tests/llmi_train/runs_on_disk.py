"""Folders as training leaves them, for the tests of what reads them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from llmi_reward import Sample, presets
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Scored
from llmi_sandbox import Toolkit
from llmi_schema import CodeCall, CodeParams, Constraint, ImageCount, SearchCall, SearchParams, parse
from llmi_train.grpo.completions import CompletionLog
from llmi_train.recipe import Kept

HEALTHY = Path(__file__).parent / "watching" / "healthy.jsonl"
"""What a demo run logged on two cores, figures cut to four digits."""


def entries() -> list[dict[str, Any]]:
    return [json.loads(line) for line in HEALTHY.read_text().splitlines()]


def answers() -> list[str]:
    fox = SearchCall(description="a red fox", params=SearchParams(query="red fox")).to_tag()
    chart = CodeCall(description="foxes by year", params=CodeParams(code="plt.bar(['a', 'b'], [3, 5])")).to_tag()
    broken = CodeCall(description="never drawn", params=CodeParams(code="raise ValueError('no data')")).to_tag()
    return [
        f"# Foxes\n\nThe red fox lives in forests.\n\n{fox}\n\nIt hunts at dusk.",
        f"Here they are by year:\n\n{chart}\n\nAnd here once more:\n\n{broken}",
        "A fox ![a picture](fox.png) <image> is shown above, truly it is.",
    ]


def keep_completions(run: Path, toolkit: Toolkit, steps: tuple[int, ...] = (1, 10, 20)) -> None:
    """Kept answers with pictures, through the code that training keeps them with."""
    log = CompletionLog(run, Kept(every=1))
    prompt = [{"role": "user", "content": "Write about foxes, with one picture."}]
    constraint = Constraint(count=ImageCount.exactly(1))

    async def scored(text: str) -> Scored:
        sample = Sample(prompt, await toolkit.render(parse(text)), constraint)
        return Scored(RawSample(prompt, text, 1), await presets.rules()(sample), sample, 0.1)

    async def all_scored() -> list[Scored]:
        return [await scored(text) for text in answers()]

    rows = asyncio.run(all_scored())
    for step in steps:
        log.keep(step, rows, answers(), [1.1, -0.2, -0.9], [False, False, True])


def write_log(run: Path, history: list[dict[str, Any]]) -> None:
    run.mkdir(parents=True, exist_ok=True)
    (run / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in history))

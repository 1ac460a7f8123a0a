"""Documents with real pictures (drawn here with matplotlib and Pillow), for the tests of this folder."""

from __future__ import annotations

import io
import json
import math

from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter

from llmi_sandbox.report import (
    KeyFigure,
    Marks,
    callout,
    chart,
    command,
    component_bars,
    document_card,
    fold,
    heading,
    key_figures,
    page,
    prose,
    request,
    reward_curve,
    side_by_side,
    table,
)
from llmi_schema import Constraint, FailureReason, ImageCount, Picture, Provenance, RenderedDocument, ToolResult, parse

TIDES_CODE = """\
hours = np.linspace(0, 48, 400)
spring = 2.6 * np.sin(2 * np.pi * hours / 12.42)
neap = 1.1 * np.sin(2 * np.pi * hours / 12.42)
plt.plot(hours, spring, label="spring tide")
plt.plot(hours, neap, label="neap tide")
plt.xlabel("hours"); plt.ylabel("height (m)"); plt.legend()"""


def tag(source: str, description: str = "a picture", **params: object) -> str:
    return f"<imgen>{json.dumps({'source': source, 'description': description, 'params': params})}</imgen>"


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def landscape(width: int = 960, height: int = 600, hue: int = 0) -> Image.Image:
    """Sky, sea and a headland: enough structure to judge how a photograph sits on the page."""
    sky = Image.linear_gradient("L").resize((width, height))
    image = Image.merge(
        "RGB",
        [
            sky.point(lambda v, a=a, b=b: a + (b - a) * v // 255)
            for a, b in ((70 + hue, 240), (110, 205), (150, 170 - hue))
        ],
    )
    draw = ImageDraw.Draw(image)
    horizon = int(height * 0.58)
    draw.rectangle((0, horizon, width, height), fill=(45 + hue // 2, 92, 112))
    for row in range(horizon, height, 9):
        draw.line(
            [(x, row + 4 * math.sin(x / 41 + row)) for x in range(0, width, 8)], fill=(84 + hue // 2, 136, 150), width=2
        )
    draw.polygon(
        [(0, horizon + 12), (0, height * 0.3), (width * 0.2, height * 0.36), (width * 0.44, horizon + 12)],
        fill=(58, 62, 50),
    )
    draw.ellipse((width * 0.7, height * 0.2, width * 0.7 + 70, height * 0.2 + 70), fill=(255, 236, 196))
    return image.filter(ImageFilter.GaussianBlur(1.1))


def tides() -> bytes:
    figure = Figure(figsize=(6.4, 3.6), dpi=120)
    axes = figure.add_subplot()
    hours = [h / 8 for h in range(385)]
    for size, label in ((2.6, "spring tide"), (1.1, "neap tide")):
        axes.plot(hours, [size * math.sin(2 * math.pi * h / 12.42) for h in hours], label=label)
    axes.set(xlabel="hours", ylabel="height (m)")
    axes.legend()
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def result(data: bytes, tool: str, provider: str, seconds: float = 0.4, **more: str) -> ToolResult:
    return ToolResult(picture=Picture.from_png(data, Provenance(tool=tool, provider=provider, **more)), seconds=seconds)


def rendered(text: str, *results: ToolResult, inputs: tuple[Picture, ...] = ()) -> RenderedDocument:
    """A document whose tags are answered in order; those without a result here were too slow."""
    document = parse(text, len(inputs))
    late = ToolResult.failed("timeout", "no answer within 20 s", seconds=20.0)
    results = (*results, *[late] * len(document.tags))[: len(document.tags)]
    return RenderedDocument(document=document, results=results, inputs=inputs)


def tides_document() -> RenderedDocument:
    """Everything a document can hold, at its best and at its worst."""
    text = f"""<think>The reader wants to know why tides differ. One photograph, one chart, one edit.</think>\
# Why the sea comes back twice a day

Stand on a quay long enough and the water leaves, and returns, and leaves again. **Two** high tides a day, some fifty \
minutes later each day: the Moon has moved on while the Earth turned.

{tag("search", "A headland above a calm sea in the evening", query="headland evening sea")}

## Spring and neap

When Sun and Moon pull along one line the range is largest, a *spring tide*; at right angles they work against each \
other. The two curves show how much this matters \
{tag("code", "Water level over two days at spring and neap tide", code=TIDES_CODE)}. \
The period is the same, `12.42` hours; only the height differs.

1. **New and full Moon:** the pulls add up.
2. **Half Moon:** they do not.
   {tag("edit", "The headland at high water, warmer", img_index=0, prompt="warm the colours")}
3. In between, everything in between.

| phase | range | where |
|:--|--:|:--|
| spring | 5.2 m | open coast |
| neap | 2.2 m | open coast |

> The sea has its own clock, and it is [not quite ours](https://example.org/tides).

{tag("diffusion", "A tide mill at night in the style of a woodcut", prompt="woodcut of a tide mill at night")}

<imgen>{{"source": "search", "description": "a tide table", "params": {{"code": "tide"}}}}</imgen>

That is all the Moon does; the wind does the rest.
"""
    photograph = result(
        png(landscape()), "search", "local captions", 0.08, licence="CC BY 4.0", attribution="A. Photographer",
        source_url="https://example.org/photographs/17",
    )  # fmt: skip
    return rendered(
        text,
        photograph,
        result(tides(), "code", "sandbox", 0.31),
        result(png(landscape(hue=60)), "edit", "offline editor (stand-in)", 0.05),
        ToolResult.failed("refused", "the offline generator does not draw woodcuts", seconds=0.01),
        ToolResult.failed("bad_call", "not a valid call"),
    )


def plain_document(reason: FailureReason = "timeout") -> RenderedDocument:
    return rendered(
        f"The tide is water that goes up. {tag('search', 'sea', query='sea')} It goes down too.",
        ToolResult.failed(reason, "no answer within 20 s", seconds=20.0),
    )


def run_report() -> str:
    """A page with every block on it."""
    steps = list(range(80))
    reward = [0.32 + 0.6 / (1 + math.exp(-(s - 30) / 8)) + 0.07 * math.sin(s * 12.9898) for s in steps]
    image_count = [0.25 + 0.7 / (1 + math.exp(-(s - 26) / 6)) + 0.06 * math.cos(s * 7.233) for s in steps]
    tool_use = [None if s < 4 else 0.4 + 0.45 / (1 + math.exp(-(s - 40) / 9)) + 0.05 * math.sin(s * 4.1) for s in steps]
    curve = reward_curve(
        steps, {"reward": reward, "image count": image_count, "tool use": tool_use}, before=0.31, after=0.93
    )
    before = {"format": 0.71, "image count": 0.28, "tool use": 0.36, "task": None}
    after = {"format": 1.0, "image count": 0.94, "tool use": 0.9, "task": None}
    constraint = Constraint(count=ImageCount.exactly(3), required_tools={"code", "search"})
    prompt = "Explain the tides to someone who is about to go sailing.\nThey like to see things."
    return page(
        "A small model learns to illustrate",
        [
            key_figures(
                KeyFigure("0.93", "held-out reward", "0.31 before training"),
                KeyFigure("80", "GRPO steps", "8 prompts × 8 samples"),
                KeyFigure("97 %", "pictures delivered", "412 calls, 131 of them run"),
                KeyFigure("2:14", "minutes", "two CPU cores"),
            ),
            heading("The reward rose", kicker="Training"),
            prose(
                "The reward counts **delivered pictures**, never tags. Each point is one step; the line is its "
                "running mean. The dashed levels were measured on scenario families that training never saw."
            ),
            chart(
                curve,
                alt="Reward over 80 steps, rising from 0.3 to 0.9",
                caption="Training reward per step, and held-out reward before and after.",
            ),
            chart(component_bars(before, after), alt="Every component rises", caption="Held-out components."),
            heading("The same prompt, twice", kicker="Documents"),
            request(prompt, constraint),
            side_by_side(
                document_card(plain_document(), marks=Marks(0.22, before)),
                document_card(
                    tides_document(), marks=Marks(0.95, after, note="Task was not scored: no judge is configured.")
                ),
            ),
            heading("What ran", kicker="Tools"),
            table(
                ["tool", "calls", "run", "delivered", "seconds"],
                [["search", 160, 41, 0.99, 0.02], ["code", 131, 62, 0.95, 0.31], ["diffusion", 121, 28, 1.0, None]],
                caption="Equal calls run once.",
            ),
            callout(
                "Generation and editing were **offline stand-ins**: useful for a demo, no judge of quality.",
                title="Stand-ins",
                kind="warning",
            ),
            callout("Nothing on this page was fetched from a network."),
            heading("How to go on", level=3),
            command("llmi-train grpo --config recipes/qwen3-4b.yaml \\\n  --output_dir runs/first", label="For real"),
            fold("Versions", table(["package", "version"], [["llmi-train", "0.1.0"], ["trl", "1.16.0"]])),
        ],
        kicker="Run report",
        lede="355,000 parameters, two cores, no network: what it wrote before training, what it writes now, and "
        "what was measured.",
        footer="Made by `llmi-train demo`. One file: no scripts, nothing is fetched.",
    )  # fmt: skip

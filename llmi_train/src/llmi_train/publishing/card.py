"""The model card: recipe, data, reward, curves and evaluation, as they are on disk and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llmi_train.watching.advice import advise
from llmi_train.watching.curves import Curves
from llmi_train.watching.record import RunRecord

CURVES = "curves"
"""The folder of the pictures in the card."""


def model_card(
    repo: str, base: str, curves: Curves | None, record: RunRecord | None, pictures: Mapping[str, str], *, merged: bool
) -> str:
    """The card as Markdown with its YAML head.

    Args:
        repo: where it goes, `me/name`.
        base: the model that was trained.
        curves, record: what the run left; None where it left nothing.
        pictures: files of charts by title.
        merged: the repository holds a whole model.
    """
    blocks = [
        _head(base, record, merged=merged),
        f"# {repo.rpartition('/')[2]}",
        f"{'A model' if merged else 'A LoRA adapter'} that writes illustrated documents: prose with `<imgen>` tags "
        f"that search for pictures, generate, draw and edit them. Trained from `{base}` with GRPO, as in "
        "[LLM-I](https://arxiv.org/abs/2509.13642).",
        _use(repo, base, merged=merged),
        *_training(curves, record),
        *_evaluation(record),
        *(f"![{title}]({file})" for title, file in pictures.items()),
        *_circumstances(record),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(base: str, record: RunRecord | None, *, merged: bool) -> str:
    import yaml

    head: dict[str, Any] = {
        "library_name": "transformers" if merged else "peft",
        "tags": ["llm-i", "grpo", "trl", *([] if merged else ["lora"])],
    }
    if not Path(base).exists() and base.count("/") == 1:
        head |= {"base_model": base, "base_model_relation": "finetune" if merged else "adapter"}
    data = _data(record)
    if data and not Path(data).exists() and data.count("/") == 1:
        head["datasets"] = [data]
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---"


def _use(repo: str, base: str, *, merged: bool) -> str:
    loading = f'writer = Writer.load("{repo}")' if merged else f'writer = Writer.load("{base}", adapter="{repo}")'
    return (
        "## Use\n\n```python\nimport asyncio\n\nfrom llmi_sandbox import Toolkit\nfrom llmi_train import Writer\n\n"
        f"{loading}\nwith Toolkit.from_env() as toolkit:\n"
        '    document = asyncio.run(writer.write("A page on lighthouses with two pictures", toolkit))\n```'
    )


def _training(curves: Curves | None, record: RunRecord | None) -> Iterator[str]:
    yield "## Training"
    rows = []
    if data := _data(record):
        rows.append(f"- Data: `{data}`")
    if record is not None and record.reward:
        rows.append(f"- Reward: `{record.reward}`")
    if curves is not None and (reward := curves.known("reward")):
        most = min(5, len(reward))
        rows.append(
            f"- {curves.steps[-1]} steps; the reward in training went from {sum(reward[:most]) / most:.3f} "
            f"(first {most} logged steps) to {sum(reward[-most:]) / most:.3f} (last {most})"
        )
        rows += [f"- **{advice.title}**: {advice.evidence}" for advice in advise(curves)]
    yield "\n".join(rows) or "The run left no log."


def _evaluation(record: RunRecord | None) -> Iterator[str]:
    yield "## Evaluation"
    if record is None or not record.evaluation:
        yield "Not evaluated on held-out prompts. What is above was measured on training prompts."
        return
    rows = "\n".join(f"| {name} | {_shown(value)} |" for name, value in _flat(record.evaluation))
    yield f"On held-out prompts:\n\n| measure | value |\n|---|---|\n{rows}"


def _circumstances(record: RunRecord | None) -> Iterator[str]:
    import yaml

    if record is None:
        return
    recipe = yaml.safe_dump(record.recipe, sort_keys=False, allow_unicode=True)
    yield f"## Recipe\n\n<details><summary>The whole recipe</summary>\n\n```yaml\n{recipe}```\n\n</details>"
    versions = "\n".join(f"- {name}: {version}" for name, version in record.environment.items())
    yield f"## Environment\n\n{versions}"


def _data(record: RunRecord | None) -> str:
    return str(record.recipe.get("data", "")) if record is not None else ""


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}: ")
        else:
            yield f"{prefix}{name}", value


def _shown(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "not measured" if value is None else str(value)

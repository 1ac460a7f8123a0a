"""What is worth a curve: means over a batch of scored rows, by name."""

from __future__ import annotations

from collections.abc import Sequence

from llmi_reward.integrations.scorer import Scored
from llmi_reward.sample import tool_of


def batch_metrics(batch: Sequence[Scored]) -> dict[str, float]:
    """Means over the rows where there is something to average; a name without such rows is left out.

    | name                    | mean of                                                             |
    |-------------------------|---------------------------------------------------------------------|
    | `unscored`              | 1 for an unscored row, 0 for a scored one                           |
    | `components/<name>`     | the component's raw value                                           |
    | `contributions/<label>` | what the term adds to the reward                                    |
    | `marks/<name>/<mark>`   | a judge's marks, 1 to 5                                             |
    | `pictures/delivered`    | distinct pictures per rendered document                             |
    | `pictures/count_met`    | 1 where their number is allowed by the constraint                   |
    | `tools/<tool>/attempts` | closed tags per rendered document                                   |
    | `tools/<tool>/success`  | 1 for a tag that got its picture, 0 for one that did not            |
    | `documents/finished`    | 1 where the document ended outside tags and thoughts, not cut off   |
    """
    values: dict[str, list[float]] = {"unscored": [float(s.score.value is None) for s in batch]}

    def note(name: str, value: float) -> None:
        values.setdefault(name, []).append(value)

    rendered = 0
    attempts: dict[str, int] = {}
    for scored in batch:
        for name, component in scored.score.components.items():
            if component is not None:
                note(f"components/{name}", component)
        for label, share in scored.score.contributions.items():
            note(f"contributions/{label}", share)
        for name, said in scored.score.details.items():
            match said:
                case {"marks": dict(marks)}:
                    for mark, value in marks.items():
                        note(f"marks/{name}/{mark}", float(value))
        sample = scored.sample
        if sample is None:
            continue
        note("documents/finished", float(sample.finished))
        if sample.rendered is None:
            continue
        rendered += 1
        note("pictures/delivered", len(sample.delivered))
        note("pictures/count_met", float(sample.constraint.count.allows(len(sample.delivered))))
        for tag, result in sample.results:
            if tool := tool_of(tag):
                attempts[tool] = attempts.get(tool, 0) + 1
                note(f"tools/{tool}/success", float(result.ok))
    means = {name: sum(found) / len(found) for name, found in values.items() if found}
    return means | {f"tools/{tool}/attempts": count / rendered for tool, count in attempts.items()}

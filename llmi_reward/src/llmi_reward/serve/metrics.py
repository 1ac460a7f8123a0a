"""What the server counts, in Prometheus' text form."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from llmi_reward.integrations.scorer import Scored

BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
"""Upper bounds, in seconds, of the histogram of scoring times."""


class Metrics:
    """Counters of one server. All of its work is done in one event loop, so nothing is locked."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.in_flight = 0
        self.samples = 0
        self.unscored = 0
        self.component_sum: Counter[str] = Counter()
        self.component_count: Counter[str] = Counter()
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)

    def note(self, scored: Sequence[Scored]) -> None:
        for one in scored:
            self.samples += 1
            self.unscored += one.score.value is None
            self.seconds += one.seconds
            self.buckets[bisect_left(BUCKETS, one.seconds)] += 1
            parts = {**one.score.components, "value": one.score.value}
            for name, value in parts.items():
                if value is not None:
                    self.component_sum[name] += value  # type: ignore[assignment]  # a Counter adds up floats as well
                    self.component_count[name] += 1

    def text(self) -> str:
        """https://prometheus.io/docs/instrumenting/exposition_formats/"""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _head("requests_total", "counter", "Requests by path and status.")
        for (path, status), count in sorted(self.requests.items()):
            yield f'llmi_reward_requests_total{{path="{_quoted(path)}",status="{status}"}} {count}'
        yield from _head("requests_in_flight", "gauge", "Requests that are being answered.")
        yield f"llmi_reward_requests_in_flight {self.in_flight}"
        yield from _head("samples_total", "counter", "Samples that were asked for.")
        yield f"llmi_reward_samples_total {self.samples}"
        yield from _head("unscored_total", "counter", "Samples without a score.")
        yield f"llmi_reward_unscored_total {self.unscored}"
        yield from _head("component", "summary", "Sums and numbers of components, and of the value.")
        for name in sorted(self.component_count):
            label = f'{{name="{_quoted(name)}"}}'
            yield f"llmi_reward_component_sum{label} {self.component_sum[name]:.9g}"
            yield f"llmi_reward_component_count{label} {self.component_count[name]}"
        yield from _head("seconds", "histogram", "From a row to its score.")
        total = 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.buckets, strict=True):
            total += count
            yield f'llmi_reward_seconds_bucket{{le="{bound}"}} {total}'
        yield f"llmi_reward_seconds_sum {self.seconds:.9g}"
        yield f"llmi_reward_seconds_count {total}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP llmi_reward_{name} {text}"
    yield f"# TYPE llmi_reward_{name} {kind}"


def _quoted(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from llmi_reward import Score
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Scored
from llmi_schema import Picture, Provenance, RenderedDocument, SearchCall, ToolResult, parse
from llmi_train.grpo.completions import CompletionLog, kept_steps, read
from llmi_train.recipe import Kept

TAG = SearchCall(description="a fox", params={"query": "fox"}).to_tag()  # type: ignore[arg-type]


def picture(shade: int) -> Picture:
    data = io.BytesIO()
    Image.new("L", (8, 8), shade).save(data, "PNG")
    return Picture.from_png(data.getvalue(), Provenance(tool="search", provider="test"))


def scored(shade: int, value: float | None = 0.5) -> Scored:
    document = RenderedDocument(document=parse(f"A fox. {TAG}"), results=(ToolResult(picture=picture(shade)),))
    row = RawSample([{"role": "user", "content": "Show a fox"}], str(document), 1)
    score = Score(value, components={"count": 1.0}, contributions={"count": 0.5}) if value else Score.unscored("down")
    return Scored(row, score, row.sample(row.constraint, document), 0.1)


def keep(log: CompletionLog, step: int, shades: list[int]) -> None:
    rows = [scored(shade) for shade in shades]
    log.keep(step, rows, [str(row.row.completion) for row in rows], [0.25] * len(rows), [False] * len(rows))


def test_completions_come_back_with_their_pictures(tmp_path: Path) -> None:
    log = CompletionLog(tmp_path, Kept(every=10))
    failed = Scored(RawSample("p", "text", None), Score.unscored("no image_count"), None, 0.0)
    log.keep(10, [scored(1), failed], [f"A fox. {TAG}", "text"], [1.5, 0.0], [False, True])
    (step,) = kept_steps(tmp_path)
    assert step == 10
    first, second = read(kept_steps(tmp_path)[10])
    assert first.document == scored(1).sample.document  # type: ignore[union-attr]
    assert (first.step, first.score, first.advantage, first.truncated) == (10, 0.5, 1.5, False)
    assert (first.components, first.contributions) == ({"count": 1.0}, {"count": 0.5})
    assert first.prompt == [{"role": "user", "content": "Show a fox"}]
    assert (second.score, second.reason, second.document, second.truncated) == (None, "no image_count", None, True)
    assert "iVBOR" not in kept_steps(tmp_path)[10].read_text()  # a picture is a file, not text


def test_equal_pictures_are_kept_once_and_a_lost_one_costs_its_document(tmp_path: Path) -> None:
    log = CompletionLog(tmp_path, Kept())
    keep(log, 1, [1, 1, 2])
    files = list((tmp_path / "completions" / "pictures").iterdir())
    assert len(files) == 2
    (tmp_path / "completions" / "pictures" / f"{picture(2).sha256}.png").unlink()
    assert [entry.document is None for entry in read(kept_steps(tmp_path)[1])] == [False, False, True]


def test_a_long_run_keeps_a_bounded_number_spread_over_it(tmp_path: Path) -> None:
    log = CompletionLog(tmp_path, Kept(every=1, rows=2, steps=8))
    for step in range(1, 101):
        assert log.wants(step)
        keep(log, step, [step, step + 100, 250])
    steps = list(kept_steps(tmp_path))
    assert len(steps) <= 8
    assert steps[0] == 1
    assert steps[-1] == 100
    pictures = {path.stem for path in (tmp_path / "completions" / "pictures").iterdir()}
    assert pictures == {picture(shade).sha256 for step in steps for shade in (step, step + 100)}


def test_only_some_steps_are_wanted(tmp_path: Path) -> None:
    log = CompletionLog(tmp_path, Kept(every=10))
    assert [step for step in range(1, 31) if log.wants(step)] == [1, 10, 20, 30]
    assert not any(CompletionLog(tmp_path, Kept(every=0)).wants(step) for step in range(1, 31))

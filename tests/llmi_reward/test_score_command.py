"""`llmi-reward score`: rollouts in, a Parquet table out, resumable at any point."""

import asyncio
import base64
import json

import pytest

from llmi_reward import Asked, Score, presets
from llmi_reward.integrations.limit import TooManyUnscoredError, UnscoredLimit
from llmi_reward.integrations.scorer import Scorer
from llmi_reward.rollouts import read_rollouts, score_rollouts
from llmi_schema import ConfigurationError

parquet = pytest.importorskip("pyarrow.parquet")
testing = pytest.importorskip("typer.testing")


def run(*arguments):
    from llmi_reward.cli import app

    return testing.CliRunner().invoke(app, ["score", *arguments])


@pytest.fixture
def rows(make):
    rendered = make.rendered(make.tag("code") * 2, [1, 1]).model_dump(mode="json")
    picture = base64.b64encode(make.png(3)).decode()
    return [
        {"prompt": "?", "completion": "Prose.", "image_count": -1},
        {"prompt": "?", "document": rendered, "image_count": 2, "required_tools": ["code"]},
        {"prompt": "?", "completion": "Prose.", "image_count": 1, "truncated": True},
        {"prompt": "?", "completion": 7, "image_count": 1},
        {"prompt": "?", "document": {"text": "?"}, "image_count": 1},
        {"prompt": "?", "completion": make.tag("edit"), "image_count": 1, "input_pictures": [picture]},
    ]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "\n")
    return path


def table(path):
    return parquet.read_table(path).to_pylist()


def test_the_command_writes_one_row_per_rollout(tmp_path, rows):
    given = write(tmp_path / "rollouts.jsonl", rows)
    done = run(str(given), "--render", "llmi_reward.redteam:render")
    assert done.exit_code == 0, done.output
    assert "6 rows, 4 scored and 2 unscored now, 0 from before" in done.output
    prose, repeated, cut_off, number, nothing, edited = table(tmp_path / "rollouts.scores.parquet")
    assert prose["value"] == 1.0
    assert prose["contributions/format*count"] == 0.6
    assert repeated["components/count"] == 0.5
    assert repeated["delivered"] == 1
    assert (cut_off["value"], cut_off["components/count"]) == (0.0, None)
    assert number["value"] is None
    assert "a completion is a string" in number["reason"]
    assert "no rendered document" in nothing["reason"]
    assert edited["value"] == 1.0
    assert [row["line"] for row in table(tmp_path / "rollouts.scores.parquet")] == [1, 2, 3, 4, 5, 6]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "rollouts.jsonl",
        "rollouts.scores.parquet",
        "rollouts.scores.parquet.partial",
    ]


def test_a_second_run_of_the_command_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moody_reward.py").write_text(
        "from llmi_reward import Score\n"
        "async def score(sample):\n"
        "    return Score.unscored('down') if sample.prompt == 'down' else Score(1.0)\n"
    )
    write(tmp_path / "r.jsonl", [{"prompt": p, "completion": "x", "image_count": 0} for p in ("up", "down")])
    for counts in ("1 scored and 1 unscored now, 0 from before", "0 scored and 1 unscored now, 1 from before"):
        done = run("r.jsonl", "--reward", "moody_reward:score", "--render", "none")
        assert done.exit_code == 0, done.output
        assert counts in done.output
    refused = run("r.jsonl", "--reward", "rules", "--render", "none")
    assert refused.exit_code == 2
    assert "--restart" in refused.output
    again = run("r.jsonl", "--reward", "rules", "--render", "none", "--restart")
    assert "0 scored and 2 unscored now, 0 from before" in again.output
    assert again.exit_code == 1


class Judge:
    """Answers a number of samples, then is interrupted."""

    def __init__(self, patience):
        self.asked = []
        self.patience = patience

    async def __call__(self, sample):
        if len(self.asked) == self.patience:
            raise asyncio.CancelledError
        self.asked.append(sample.prompt)
        await asyncio.sleep(0)
        return Score(0.5)


def scorer(judge, limit=None):
    return Scorer(0.5 * Asked("judge", judge), None, limit=limit)


async def test_a_second_run_pays_only_for_what_is_missing(tmp_path):
    given = write(tmp_path / "r.jsonl", [{"prompt": str(i), "completion": "x", "image_count": 0} for i in range(20)])
    output = tmp_path / "scores.parquet"
    first = Judge(patience=7)
    with pytest.raises(asyncio.CancelledError):
        await score_rollouts(read_rollouts(given), scorer(first), output, setting="s", concurrency=1)
    assert not output.exists()
    with (tmp_path / "scores.parquet.partial").open("a") as file:
        file.write('{"line": 9, "dig')  # killed in the middle of a line
    second = Judge(patience=100)
    tally = await score_rollouts(read_rollouts(given), scorer(second), output, setting="s", concurrency=4)
    assert sorted(first.asked + second.asked, key=int) == [str(i) for i in range(20)]
    assert (tally.done_before, tally.scored, tally.done) == (7, 13, 20)
    assert not (tmp_path / "scores.parquet.partial").exists()
    assert [row["value"] for row in table(output)] == [0.25] * 20


async def test_a_changed_row_is_scored_again_and_another_reward_is_refused(tmp_path):
    rows = [{"prompt": str(i), "completion": "x", "image_count": 0} for i in range(4)]
    given = write(tmp_path / "r.jsonl", rows)
    output = tmp_path / "scores.parquet"
    with pytest.raises(asyncio.CancelledError):
        await score_rollouts(read_rollouts(given), scorer(Judge(3)), output, setting="s", concurrency=1)
    write(given, [{**rows[0], "completion": "changed"}, *rows[1:]])
    with pytest.raises(ConfigurationError, match="holds scores of s, not of another"):
        await score_rollouts(read_rollouts(given), scorer(Judge(9)), output, setting="another")
    judge = Judge(9)
    await score_rollouts(read_rollouts(given), scorer(judge), output, setting="s")
    assert sorted(judge.asked) == ["0", "3"]


async def test_too_many_unscored_rows_end_it_and_keep_what_was_scored(tmp_path, make):
    async def down(sample):
        return Score.unscored("the judge is down")

    given = write(tmp_path / "r.jsonl", [{"prompt": "?", "completion": "x", "image_count": 0}] * 20)
    with pytest.raises(TooManyUnscoredError, match="the judge is down"):
        await score_rollouts(
            read_rollouts(given), scorer(down, UnscoredLimit(0.5, 8)), tmp_path / "out", setting="s", concurrency=2
        )
    assert len((tmp_path / "out.partial").read_text().splitlines()) - 1 == 8


async def test_unscored_rows_are_tried_again(tmp_path):
    given = write(tmp_path / "r.jsonl", [{"prompt": str(i), "completion": "x", "image_count": 0} for i in range(4)])
    asked = []

    async def moody(sample):
        asked.append(sample.prompt)
        return Score.unscored("asleep") if asked == ["0"] else Score(1.0)

    for expected in ([None, 0.5, 0.5, 0.5], [0.5] * 4):
        await score_rollouts(read_rollouts(given), scorer(moody), tmp_path / "out", setting="s", concurrency=1)
        assert [row["value"] for row in table(tmp_path / "out")] == expected
    assert asked == ["0", "1", "2", "3", "0"]
    assert not (tmp_path / "out.partial").exists()


@pytest.mark.parametrize(
    ("text", "said"), [("{\n", "line 1: not JSON"), ("\n[1]\n", "line 2: a rollout is a JSON object")]
)
def test_what_is_no_rollout_is_named_by_its_line(tmp_path, text, said):
    (tmp_path / "r.jsonl").write_text(text)
    done = run(str(tmp_path / "r.jsonl"), "--render", "none")
    assert done.exit_code == 2
    assert said in done.output


def test_why_rows_have_no_score_is_said(tmp_path):
    given = write(tmp_path / "rollouts.jsonl", [{"prompt": "?", "image_count": 1}] * 2)
    done = run(str(given), "--render", "none")
    assert done.exit_code == 1
    assert "2 rows, 0 scored and 2 unscored now" in done.output
    assert "     2 unscored: " in done.output
    assert "completion" in done.output


@pytest.mark.parametrize(
    ("output", "reward", "said"),
    [
        ("scores.csv", "rules", "scores.csv: the table is a Parquet file; give it a name that ends in .parquet"),
        ("folder.parquet", "rules", "folder.parquet: the table is a Parquet file"),
        ("s.parquet", "nomod:x", "nomod:x: there is no module"),
        ("s.parquet", "rulez", "'rulez' is neither a preset (rules, "),
    ],
)
def test_a_wrong_name_is_named(tmp_path, rows, output, reward, said):
    (tmp_path / "folder.parquet").mkdir()
    given = write(tmp_path / "rollouts.jsonl", rows)
    done = run(str(given), "-o", str(tmp_path / output), "--reward", reward)
    assert done.exit_code == 2
    assert said in done.output
    assert not (tmp_path / f"{output}.partial").exists()


def test_a_missing_file_is_one_line(tmp_path):
    done = run(str(tmp_path / "nothing.jsonl"))
    assert done.exit_code == 2
    assert "No such file" in done.output


def test_scoring_needs_no_tasks_where_nothing_is_waited_for(make, monkeypatch):
    """Rules over documents rendered elsewhere: no task, no timer, per row."""
    from llmi_reward.integrations.raw_sample import RawSample

    rows = [RawSample("?", make.rendered(make.tag() * n), n) for n in (1, 2, 3)]
    fast = Scorer(presets.rules(), None)
    monkeypatch.setattr(asyncio, "timeout", None)
    assert [s.score.value for s in asyncio.run(fast.score_all(rows))] == [1.0] * 3


def test_a_rollout_that_is_nested_too_deeply_is_named(tmp_path):
    (tmp_path / "rollouts.jsonl").write_text("{}\n" + "[" * 100_000 + "\n")
    with pytest.raises(ConfigurationError, match="line 2: not JSON"):
        read_rollouts(tmp_path / "rollouts.jsonl")

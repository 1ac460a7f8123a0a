import base64
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from llmi_data import ImplicitVerdict, Message, Plan, Row, Verdict, generate, read_rows, write_rows
from llmi_data.conversion import FORMATS, convert, format_of, read_any, read_records
from llmi_data.errors import RowError
from llmi_reward.integrations.columns import columns_to_rows
from llmi_reward.integrations.raw_sample import RawSample
from llmi_schema import Constraint, ImageCount

FILES = (
    ("rows", "out.jsonl"), ("trl", "out.jsonl"), ("trl", "out.parquet"), ("trl", "out"),
    ("verl", "out.jsonl"), ("verl", "out.parquet"), ("verl", "out"), ("chat", "out.jsonl"),
)  # fmt: skip


def png(colour="red", form="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(buffer, form)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def several():
    """Rows of every kind: with facts and without, judged, several turns, two pictures, odd characters."""
    made = list(generate(Plan.demo(rows=60)))
    implicit = ImplicitVerdict(judge="j", implicit=True)
    verdict = Verdict(image_count=-1, reader="m", agrees=False, note="hm", required_tools=("code",))
    return [
        *made,
        made[0].model_copy(update={"id": "given", "verdict": verdict, "implicit": implicit}),
        Row(prompt=(Message(role="user", content="\n画 <b>two</b>\u2028 & 😀"),), image_count="inf"),
        Row(
            prompt=(
                Message(role="system", content="Be brief."),
                Message(role="user", content="A fox?"),
                Message(role="assistant", content="Which?"),
                Message(role="user", content="These two, at dusk."),
            ),
            images=(png(), png("blue")),
            image_count=98,
            required_tools=("edit", "search"),
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(("form", "name"), FILES)
def test_rows_come_back_as_they_went_out(several, tmp_path, form, name, capfd):
    write_rows(tmp_path / "rows.jsonl", several)
    output = tmp_path / form / name
    output.parent.mkdir()
    done = convert(tmp_path / "rows.jsonl", output, to=form)
    assert (done.rows, done.source, done.target, done.broken, done.lost) == (len(several), "rows", form, (), {})
    again = {row.id: row for row in read_any(output)}
    wanted = {row.id: row for row in several}
    assert again == wanted
    assert capfd.readouterr().err == ""
    assert [path.name for path in output.parent.iterdir()] == [name]
    if name != "out":  # a saved dataset puts the sides apart
        assert [row.id for row in read_any(output)] == [row.id for row in several]


@pytest.mark.parametrize(("form", "name"), FILES)
def test_and_through_it_into_every_other(several, tmp_path, form, name):
    """A file in one format converts to another as the rows themselves do."""
    write_rows(tmp_path / "rows.jsonl", [row for row in several if row.provenance])
    convert(tmp_path / "rows.jsonl", tmp_path / name, to=form)
    assert format_of(tmp_path / name) == form
    back = tmp_path / "back.jsonl"
    convert(tmp_path / name, back)
    assert {row.id: row for row in read_rows(back)} == {row.id: row for row in several if row.provenance}


def test_parquet_is_what_trl_loads(several, tmp_path):
    from datasets import Dataset

    write_rows(tmp_path / "rows.jsonl", several)
    convert(tmp_path / "rows.jsonl", tmp_path / "train.parquet")
    loaded = Dataset.from_parquet(str(tmp_path / "train.parquet"), cache_dir=str(tmp_path / "cache"))
    assert loaded[-1]["images"][0].size == (8, 6)
    columns = loaded.with_format(None)[:]
    read = columns_to_rows(columns["prompt"], [""] * len(loaded), {n: columns[n] for n in columns if n != "prompt"})
    assert [row.constraint for row in read] == [row.constraint for row in several]
    assert [row.split for row in read] == [row.provenance.side if row.provenance else "train" for row in several]
    assert [len(row.pictures()) for row in read] == [len(row.images) for row in several]


def test_verl_rows_are_what_its_reward_reads(several, tmp_path):
    """verl hands `extra_info` to the reward, and `<image>` in the words to the processor, one per picture."""
    write_rows(tmp_path / "rows.jsonl", several)
    convert(tmp_path / "rows.jsonl", tmp_path / "train.parquet", to="verl")
    table = pq.read_table(tmp_path / "train.parquet").to_pylist()
    for value, row in zip(table, several, strict=True):
        read = RawSample.read(value["extra_info"]["question"], "", value["extra_info"])
        assert read.constraint == row.constraint
        assert read.prompt == row.text
        assert [picture.png for picture in read.pictures()] == list(row.images)
        assert read.constraint == RawSample.read("", "", value["reward_model"]["ground_truth"]).constraint
        assert value["data_source"] == ("interleaved_mm" if row.images else "interleaved")
        assert sum(message["content"].count("<image>") for message in value["prompt"]) == len(row.images)
        assert [image["bytes"] for image in value["images"]] == list(row.images)
        assert value["extra_info"]["split"] in ("train", "test")


def test_the_published_contract(tmp_path):
    """As the release writes its files: no `row` of ours, pictures where the words say `<image>`."""
    rows = [
        {
            "data_source": "interleaved_mm", "ability": None,
            "prompt": [
                {"role": "system", "content": "Use tools."}, {"role": "user", "content": "<image>Make <image> dusk."},
            ],
            "images": [{"bytes": png(), "path": None}, {"bytes": png("blue", "JPEG"), "path": None}],
            "reward_model": {"style": "model", "ground_truth": ""},
            "extra_info": {"image_num": 99, "tools": ["edit"], "question": "Make dusk.", "split": "test", "level": 3},
        }
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test_mm.parquet")
    (row,) = read_any(tmp_path / "test_mm.parquet")
    assert row.constraint == Constraint(count=ImageCount.at_least_one(), required_tools=frozenset({"edit"}))
    assert row.messages == [{"role": "system", "content": "Use tools."}, {"role": "user", "content": "Make  dusk."}]
    assert len(row.images) == 2
    assert row.provenance.side == "test"
    done = convert(tmp_path / "test_mm.parquet", tmp_path / "rows.jsonl")
    assert done.lost == {
        "extra_info.level": 1, "extra_info.question": 1, "reward_model.style": 1, "reward_model.ground_truth": 1,
    }  # fmt: skip
    (again,) = read_rows(tmp_path / "rows.jsonl")
    assert again == row


def test_trl_rows_from_elsewhere(tmp_path):
    lines = [
        {"prompt": "Three foxes, please", "image_count": "3", "required_tools": None, "answer": "x"},
        {"prompt": [{"role": "user", "content": "None"}], "image_count": -1, "split": "validation"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    first, second = read_any(tmp_path / "a.jsonl")
    assert (first.text, first.image_count, first.provenance) == ("Three foxes, please", 3, None)
    assert second.provenance.side == "test"
    assert convert(tmp_path / "a.jsonl", tmp_path / "b.jsonl").lost == {"answer": 1}


def test_chats_from_elsewhere(tmp_path):
    url = "data:image/jpeg;base64," + base64.b64encode(png(form="JPEG")).decode()
    chat = {
        "messages": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [
                {"type": "text", "text": "Here:"},
                {"type": "image_url", "image_url": {"url": url}},
                {"type": "text", "text": "dusk!"},
            ]},
            {"role": "assistant", "content": "An answer."},
        ],
        "metadata": {"image_count": "1", "required_tools": "edit"},
        "model": "gpt",
    }  # fmt: skip
    (tmp_path / "a.jsonl").write_text(json.dumps(chat))
    (row,) = read_any(tmp_path / "a.jsonl")
    assert row.messages == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Here:\ndusk!"}]
    assert (len(row.images), row.image_count, row.required_tools) == (1, 1, ("edit",))
    assert convert(tmp_path / "a.jsonl", tmp_path / "b.jsonl").lost == {"model": 1}


VERL = {"prompt": [{"role": "user", "content": "A fox"}], "extra_info": {"image_num": 1}}
TRL = {"prompt": "A fox", "image_count": 1}
CHAT = {"messages": [{"role": "user", "content": "A fox"}], "metadata": {"image_count": "1"}}


@pytest.mark.parametrize(
    ("good", "wrong", "says"),
    [
        (TRL, {"prompt": "A fox"}, "no column image_count; the columns are prompt: rename or add it"),
        (TRL, {**TRL, "image_count": 100}, 'no image count; use -1, 0, 1 to 98, 99 or "inf"'),
        (TRL, {**TRL, "image_counts": 1}, "column image_counts where image_count is expected"),
        (TRL, {**TRL, "required_tool": ["code"]}, "column required_tool where required_tools is expected"),
        (TRL, {**TRL, "required_tools": "code"}, "required_tools must be a list of tool names, not a text"),
        (TRL, {**TRL, "prompt": 3}, "prompt must be a text or a list of chat messages, not a number"),
        (TRL, {**TRL, "prompt": [{"role": "tool", "content": ""}]}, r"prompt\[0\].role is 'tool'; it must be"),
        (
            TRL,
            {**TRL, "prompt": [{"role": "user", "content": [{"type": "audio"}]}]},
            "type 'audio'; text and image_url",
        ),
        (TRL, {**TRL, "images": ["https://x.org/a.png"]}, r"images\[0\] is a link: fetch the picture"),
        (TRL, {**TRL, "images": [{"bytes": None, "path": "a.png"}]}, r"images\[0\] is only a path \('a.png'\)"),
        (TRL, {**TRL, "images": ["!!"]}, r"images\[0\] is a text but no base64"),
        (TRL, {**TRL, "images": ["AAAA"]}, r"images\[0\] cannot be decoded"),
        (TRL, {**TRL, "image_count": 1, "required_tools": ["code", "edit"]}, "ask for more pictures or fewer tools"),
        (VERL, {**VERL, "extra_info": "x"}, "extra_info must be a mapping"),
        (VERL, {**VERL, "extra_info": {"tools": []}}, r"extra_info.image_num is missing; add -1"),
        (VERL, {**VERL, "extra_info": {"image_num": 1, "tools": {"a": 1}}}, "extra_info.tools must be a list"),
        (VERL, {**VERL, "extra_info": {"image_num": 1, "row": "{"}}, "extra_info.row must be JSON"),
        (VERL, {**VERL, "prompt": "<image> and <image>"}, "says <image> 2 times, and there are 0 pictures"),
        (CHAT, {"messages": CHAT["messages"]}, "no column metadata"),
        (CHAT, {**CHAT, "metadata": {}}, r"metadata.image_count is missing"),
        (CHAT, {**CHAT, "metadata": {"image_count": "1", "required_tools": ["code"]}}, "must be a text such as"),
        (CHAT, {**CHAT, "messages": []}, "prompt: .*at least 1 item"),
    ],
)
def test_one_wrong_record_is_named_and_costs_itself(tmp_path, good, wrong, says):
    path = tmp_path / "from.jsonl"
    path.write_text("\n".join(map(json.dumps, (good, wrong, good))))
    with pytest.raises(RowError, match=rf"from\.jsonl, line 2: .*{says}"):
        list(read_any(path))
    done = convert(path, tmp_path / "to.jsonl", to="rows")
    assert done.rows == 2
    (problem,) = done.broken
    assert str(problem).startswith(f"{path}, line 2: ")


def test_a_first_record_of_no_format_costs_itself(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, ({"_comment": "ours"}, TRL, VERL))))
    bad = []
    assert [row.text for row in read_any(path, bad.append)] == ["A fox"]
    assert "line 1: of no known format: its columns are _comment" in str(bad[0])
    assert "line 3: there is no column image_count" in str(bad[1])
    done = convert(path, tmp_path / "b.jsonl")
    assert (done.rows, done.source, len(done.broken)) == (1, "trl", 2)


def test_broken_lines_cost_themselves(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(TRL)}\n{{half\n\n[1]\n{'[' * 100000}\n{json.dumps(TRL)}\n")
    bad = []
    assert len(list(read_any(path, bad.append))) == 2
    assert [str(problem).split(": ")[0] for problem in bad] == [f"{path}, line {n}" for n in (2, 4, 5)]
    with pytest.raises(RowError, match="line 2: not valid JSON"):
        list(read_any(path))


def test_what_cannot_be_read_at_all(tmp_path):
    path = tmp_path / "a.jsonl"
    with pytest.raises(RowError, match=r"a\.jsonl: cannot read this file \(No such file"):
        list(read_records(path))
    path.write_bytes(b"\x00\xff\xfe")
    with pytest.raises(RowError, match="neither JSON Lines in UTF-8 nor Parquet"):
        list(read_records(path))
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(RowError, match="Parquet file is damaged after row 0"):
        list(read_records(path))
    with pytest.raises(RowError, match="no saved dataset in this folder"):
        list(read_records(tmp_path))
    path.write_text('{"text": "hello", "label": 1}')
    with pytest.raises(RowError, match=r"line 1: of no known format: its columns are text, label, .*--from"):
        list(read_any(path))
    path.write_text("")
    with pytest.raises(RowError, match="no records"):
        convert(path, tmp_path / "b.jsonl")


def test_what_cannot_be_written(tmp_path, several):
    source, output = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    write_rows(source, several[:3])
    output.write_text("precious")
    for name, to, says in (
        ("b.csv", None, "writes .csv files; use .jsonl, .parquet"),
        ("b.parquet", "chat", "chat is one of JSON Lines"),
        ("b.parquet", "rows", "rows is one of JSON Lines"),
        ("none/b.jsonl", None, "cannot write here"),
        ("none/b.parquet", None, "cannot write here"),
    ):
        with pytest.raises(RowError, match=says):
            convert(source, tmp_path / name, to=to)
    source.write_text(json.dumps({"prompt": "a", "image_count": "many"}))
    with pytest.raises(RowError, match=r"none of its 1 records could be converted; the first: .*line 1"):
        convert(source, output)
    assert output.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.jsonl"]


def test_a_prompt_that_says_image_has_no_verl_row(tmp_path):
    literal = Row(prompt=(Message(role="user", content="What is <image>?"),), image_count=0)
    write_rows(tmp_path / "a.jsonl", [literal, *generate(Plan.demo(rows=60))])
    done = convert(tmp_path / "a.jsonl", tmp_path / "b.parquet", to="verl")
    assert done.rows == 60
    assert "line 1: the prompt itself says <image>" in str(done.broken[0])


def test_every_format_writes_what_it_recognises(several):
    for name, form in FORMATS.items():
        for row in several[:5]:
            assert set(form.needs) <= set(form.write(row, 0))
            assert not list(form.lost(form.write(row, 0), row)), name

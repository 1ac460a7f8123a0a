"""Rows from a model: what it is asked, what is sent back to it, and what becomes of its answers."""

import asyncio
import io
import json
import random
from collections import Counter

import pytest
from scripted_model import SEEN, _draft

from llmi_data import (
    Assignment,
    Cell,
    ChatWriter,
    InputPictureError,
    Lost,
    Pictures,
    Plan,
    PlanError,
    Row,
    write_rows_async,
)
from llmi_data.generation import compose_rows
from llmi_data.generation.brief import brief, instructions, prepared
from llmi_data.generation.draft import draft_model, problem
from llmi_data.generation.ingredients import occasions
from llmi_reward.chat import Answer, ChatError, Usage

ONE = Assignment(2, ("search",), "train", 0)


class Says:
    """A chat model that gives these answers one after the other, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def ask(self, messages, *, schema=None, sample=0, options=None):
        self.asked.append((messages, schema, sample))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer if isinstance(answer, str) else json.dumps(answer), Usage(10, 5))


def draft(**changes):
    return {
        "topic": "The Varn lighthouse",
        "request": "A page on Varn. Readers must see how its real lighthouse truly looks. Use exactly two pictures.",
        "how_many": "exactly two pictures",
        "needs": {"search": "see how its real lighthouse truly looks"},
    } | changes


def write(chat, assignment=ONE, **settings):
    return asyncio.run(ChatWriter(chat, "writer-1", **settings).write(assignment, seed=3))


def test_a_row_carries_the_plans_labels_and_where_they_show():
    row = write(Says(draft()), Assignment(2, ("search",), "test", 0, "shipping", "en"))
    assert (row.image_count, row.required_tools) == (2, ("search",))
    origin = row.provenance
    assert (origin.side, origin.domain, origin.language, origin.topic) == (
        "test",
        "shipping",
        "en",
        "the varn lighthouse",
    )
    assert origin.generator.startswith("writer-1 / ")
    assert origin.family in occasions("test")
    assert [(need.tool, need.quote) for need in origin.needs] == [("search", draft()["needs"]["search"])]
    assert origin.needs[0].quote in row.text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"request": draft()["request"] + " Search the web for it."}, "'Search' give away"),
        ({"request": draft()["request"] + " Such es im Internet."}, "give away"),
        ({"needs": {"search": "words of its own"}}, "'words of its own' does not occur in the request"),
        ({"needs": {"search": " "}}, "does not occur in the request"),
        ({"how_many": "three pictures"}, "'three pictures' does not occur"),
        ({"how_many": ""}, "must say how many pictures"),
        ({"request": "word " * 200 + draft()["request"]}, "Between 25 and 90"),
        ({"topic": " "}, '"topic" is empty'),
    ],
)
def test_a_draft_that_will_not_do_goes_back_with_the_reason(wrong, told):
    chat = Says(draft(**wrong), draft())
    assert isinstance(write(chat), Row)
    messages = chat.asked[1][0]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert json.loads(messages[2]["content"]) == draft(**wrong)
    assert told in messages[3]["content"]


def test_after_its_attempts_an_assignment_is_lost_with_the_reason():
    chat = Says(draft(request=draft()["request"] + " Use matplotlib."))
    lost = write(chat, attempts=2)
    assert isinstance(lost, Lost)
    assert lost.reason == "names a tool"
    assert "after 2 drafts: The words 'matplotlib'" in lost.detail
    assert len(chat.asked) == 2


def test_copying_may_change_case_spaces_and_quotation_marks():
    quoted = draft(needs={"search": "See how  its REAL lighthouse truly looks."})
    assert isinstance(write(Says(quoted)), Row)


def test_the_form_holds_the_required_tools_and_pictures_that_exist():
    form = draft_model(("edit", "search"), 2).model_json_schema()
    needs = form["$defs"]["Needs"]
    assert set(needs["properties"]) == {"edit", "search", "picture"}
    assert needs["properties"]["picture"]["enum"] == [0, 1]
    assert "needs" not in draft_model((), 0).model_json_schema()["properties"]


def test_an_edit_names_a_picture_that_exists():
    assignment = Assignment(1, ("edit",), "train", 4, modality="multimodal")
    _, given = prepared(assignment, 3)
    wanted = "Show the attached picture again, but in black and white."
    answer = draft(request=f"A page on it. {wanted} One picture.", how_many="One picture.")
    row = write(Says(answer | {"needs": {"edit": wanted, "picture": 0}}), assignment)
    assert row.images == tuple(picture.png for picture in given)
    assert row.provenance.needs[0].picture == 0
    beyond = answer | {"needs": {"edit": wanted, "picture": len(given)}}
    with pytest.raises(ChatError, match=r"needs\.picture"):
        write(Says(beyond), assignment)


def test_the_model_sees_the_pictures_it_writes_about():
    assignment = Assignment(1, ("edit",), "train", 4, modality="multimodal")
    chat = Says(ChatError("refused", "no"))
    with pytest.raises(ChatError):
        write(chat, assignment)
    parts = chat.asked[0][0][1]["content"]
    sent = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert len(sent) == len(prepared(assignment, 3)[1])
    assert all(url.startswith("data:image/png;base64,") for url in sent)


def test_the_same_assignment_asks_the_same_and_others_ask_something_else():
    def asked(seed, **changes):
        chat = Says(draft())
        values = {"count": 2, "tools": ("search",), "side": "train", "number": 0} | changes
        asyncio.run(ChatWriter(chat, "w").write(Assignment(**values), seed))
        return json.dumps(chat.asked[0])

    assert asked(1) == asked(1)
    others = [asked(1, number=1), asked(1, domain="sport"), asked(1, language="de"), asked(2), asked(1, side="test")]
    assert len({asked(1), *others}) == 6


@pytest.mark.parametrize("code", [-1, 0, *range(1, 11), 17, 99])
def test_the_brief_says_the_count_in_words(code):
    text = brief(Assignment(code, (), "train", 0), prepared(Assignment(code, (), "train", 0), 0)[0], 0)
    said = {-1: "must hold no pictures", 0: "up to the writer", 99: "at least one picture"}.get(
        code, f"({code}) picture"
    )
    assert (said if code != 17 else "exactly 17 pictures") in text


def test_the_instructions_speak_of_every_tool_but_the_brief_alone_of_labels():
    text = instructions(Assignment(1, ("code",), "train", 0), 0)
    assert all(f"- {tool}:" in text for tool in ("search", "diffusion", "code", "edit"))
    assert instructions(Assignment(7, ("code",), "test", 9, "sport", "fr"), 0) == text


def test_a_plan_is_written_in_order_and_repeats_are_lost():
    plan = Plan(cells=(Cell(count=2, tools=("search",), rows=3),))
    written = asyncio.run(write_rows_async(plan, ChatWriter(Says(draft()), "w")))
    assert len(written.rows) == 1
    assert [lost.reason for lost in written.lost] == ["repeats a row"] * 2


def test_one_bad_row_costs_one_row():
    plan = Plan(cells=(Cell(count=2, tools=("search",), rows=8),))

    class Moody:
        name = "moody"

        async def write(self, assignment, seed):
            await asyncio.sleep(random.random() / 1000)
            if assignment.number == 3:
                raise ChatError("server_error", "it broke")
            if assignment.number == 5:
                raise ChatError("bad_answer", "it babbled")
            other = f"Leaflet {assignment.number}. {draft()['request']}"
            answers = Says(draft(topic=str(assignment.number), request=other))
            return await ChatWriter(answers, "w").write(assignment, seed)

    written = asyncio.run(write_rows_async(plan, Moody()))
    assert len(written.rows) == 6
    assert Counter(lost.reason for lost in written.lost) == {"no answer": 1, "no usable answer": 1}
    assert written.unanswered == 1
    order = [a.number for a in plan.expand() if a.number not in (3, 5)]
    assert [int(row.provenance.topic) for row in written.rows] == order


def png(colour, size=(40, 30), form="PNG"):
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, form)
    return buffer.getvalue()


def test_pictures_from_a_folder_are_made_fit_and_kept_on_one_side(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.jpg").write_bytes(png((number * 20, 90, 200), form="JPEG"))
    (tmp_path / "again.jpg").write_bytes((tmp_path / "3.jpg").read_bytes())
    (tmp_path / "wide.png").write_bytes(png("red", (3000, 1000)))
    (tmp_path / "notes.txt").write_text("not a picture")
    pictures = Pictures.from_folder(tmp_path, 0.2)
    assert len(pictures.train) + len(pictures.test) == 11
    assert len(pictures.test) == 2
    assert not {p.sha256 for p in pictures.train} & {p.sha256 for p in pictures.test}
    assert max(max(p.width, p.height) for p in (*pictures.train, *pictures.test)) == 1024
    assert Pictures.load(tmp_path, 0.2) == pictures


def test_pictures_from_a_dataset(tmp_path):
    from datasets import Dataset, Features, Image, Value

    features = Features({"photo": Image(), "name": Value("string")})
    data = {"photo": [{"bytes": png((9 * n, 5, 5)), "path": None} for n in range(6)], "name": list("abcdef")}
    dataset = Dataset.from_dict(data, features=features)
    pictures = Pictures.from_dataset(dataset, 0.2)
    assert (len(pictures.train), len(pictures.test)) == (5, 1)
    dataset.save_to_disk(str(tmp_path / "saved"))
    dataset.to_parquet(str(tmp_path / "saved.parquet"))
    assert Pictures.load(tmp_path / "saved", 0.2) == Pictures.load(tmp_path / "saved.parquet", 0.2) == pictures
    with pytest.raises(InputPictureError, match="this dataset has photo"):
        Pictures.from_dataset(dataset, 0.2, column="name")
    broken = Dataset.from_dict(
        {"photo": [{"bytes": png("red"), "path": None}, {"bytes": b"no", "path": None}]},
        features=Features({"photo": Image()}),
    )
    with pytest.raises(InputPictureError, match="row 1, column photo: cannot be read"):
        Pictures.from_dataset(broken, 0.2)


def test_pictures_that_are_missing_or_broken_are_named(tmp_path):
    with pytest.raises(InputPictureError, match="no such folder"):
        Pictures.load(tmp_path / "none", 0.2)
    with pytest.raises(InputPictureError, match="holds no pictures"):
        Pictures.load(tmp_path, 0.2)
    (tmp_path / "half.png").write_bytes(png("red")[:60])
    with pytest.raises(InputPictureError, match=r"half\.png: cannot be read"):
        Pictures.load(tmp_path, 0.2)
    (tmp_path / "half.png").write_bytes(png("red"))
    with pytest.raises(InputPictureError, match="no picture for test rows"):
        Pictures.load(tmp_path, 0.2).pick("test", random.Random(0))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"domain": "sport"}, r"\(exactly 1; search; sport\): .*the demo's scenarios have no domains"),
        ({"language": "de"}, r"\(exactly 1; search; de\): .*English alone"),
        ({"modality": "multimodal"}, "exactly where one is to be changed"),
    ],
)
def test_what_the_offline_generator_cannot_compose_is_refused_with_the_cell(changes, says):
    plan = Plan(cells=(Cell(count=1, tools=("search",), rows=2, **changes),))
    with pytest.raises(PlanError, match=says):
        list(compose_rows(plan))


def test_the_scripted_model_of_these_tests_writes_what_it_is_told():
    """Its drafts pass, so that what the other tests see lost is lost on purpose."""
    for tools in ((), ("search",), ("code", "diffusion"), ("edit",)):
        assignment = Assignment(
            3 if tools else -1, tools, "train", 0, modality="multimodal" if "edit" in tools else "text"
        )
        ingredients, pictures = prepared(assignment, 0)
        answer = _draft(brief(assignment, ingredients, len(pictures)), "0" * 15 + "1", first=True)
        assert problem(draft_model(tools, len(pictures)).model_validate(answer), assignment) is None
        assert all(SEEN[tool].split("{")[0] in answer["request"] for tool in tools)

"""Writing and rendering at the same time, held together by events rather than by the clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from llmi_reward.chat import ChatError
from llmi_sandbox import Toolkit, render
from llmi_schema import (
    ConfigurationError,
    DiffusionCall,
    DiffusionParams,
    EditCall,
    EditParams,
    ImageCount,
    Picture,
    Provenance,
    ToolCall,
    ToolResult,
)
from llmi_train.policies import Completion, Request
from llmi_train.writing import (
    Answered,
    Called,
    Event,
    Finished,
    Inside,
    Thinking,
    Writing,
    Wrote,
    load_tasks,
    load_written,
    save,
    write_all,
)

ASKED = [{"role": "user", "content": "A page on foxes"}]


def draw(prompt: str) -> str:
    return DiffusionCall(description=prompt, params=DiffusionParams(prompt=prompt)).to_tag()


def change(index: int, prompt: str) -> str:
    return EditCall(description=prompt, params=EditParams(img_index=index, prompt=prompt)).to_tag()


def picture(shade: int = 0) -> Picture:
    from PIL import Image

    from llmi_sandbox.pictures import encode

    return encode(Image.new("RGB", (8, 6), (shade, 90, 9)), Provenance(tool="diffusion", provider="test"))


class Says:
    """A policy that says its pieces; a callable among them is awaited first."""

    identity = "says"

    def __init__(self, *pieces: str | Callable[[], Any] | Exception) -> None:
        self.pieces = pieces
        self.closed = False
        self.asked: list[Request] = []

    async def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        self.asked.append(request)
        text = ""
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, str):
                    text += piece
                    yield piece
                else:
                    await piece()
            yield Completion(text, True, len(self.pieces), cost=0.5)
        finally:
            self.closed = True

    async def write(self, request: Request) -> Completion:
        async for piece in self.stream(request):
            if isinstance(piece, Completion):
                return piece
        raise AssertionError


class Tools:
    """Answers with a picture of its own per call, after what the test wants to happen first."""

    def __init__(self, before: Callable[[ToolCall], Any] | None = None) -> None:
        self.before = before
        self.calls: list[str] = []
        self.given: list[Sequence[Picture]] = []
        self.cancelled = 0

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult:
        self.calls.append(call.params.prompt)
        self.given.append(pictures)
        try:
            if self.before is not None and (wait := self.before(call)) is not None:
                await wait
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return ToolResult(picture=picture(len(self.calls) * 20))


async def watched(writing: Writing) -> list[Event]:
    return [event async for event in writing.events()]


async def test_a_tool_runs_before_the_next_word_is_written() -> None:
    begun = asyncio.Event()
    policy = Says("A fox. ", draw("fox")[:-1], ">", begun.wait, " The end.")
    writing = Writing(policy, Request(ASKED), Tools(lambda _: begun.set()))
    events = await asyncio.wait_for(watched(writing), 20)
    kinds = [type(event) for event in events]
    assert kinds[:4] == [Wrote, Inside, Called, Inside]
    assert set(kinds[4:6]) == {Answered, Wrote}
    assert kinds[6:] == [Finished]
    written = writing.written
    assert written is not None
    assert written.problem is None
    assert written.completion is not None
    assert written.rendered == await render(str(written.rendered), Tools())
    (run,) = written.runs
    assert run.answered is not None
    assert 0 < run.called < run.answered
    assert run.called < written.writing_seconds <= written.seconds


async def test_a_policy_that_never_waits_leaves_room_for_its_tools() -> None:
    seen: list[int] = []
    written: list[str] = []

    class Floods(Says):
        async def stream(self, request: Request) -> AsyncIterator[str | Completion]:
            for piece in [draw("fox"), *["word "] * 100]:
                written.append(piece)
                yield piece
            yield Completion("".join(written), True, 1)

    await Writing(Floods(), Request(ASKED), Tools(lambda _: seen.append(len(written)))).run()
    assert seen[0] <= 2


async def test_an_edit_waits_for_its_picture_and_for_nothing_else() -> None:
    first_drawn, edited = asyncio.Event(), asyncio.Event()

    def before(call: ToolCall) -> Any:
        if call.params.prompt == "first":
            return edited_may_not_begin.wait()
        if call.params.prompt == "bluer":
            edited.set()
        if call.params.prompt == "second":
            first_drawn.set()
        return None

    edited_may_not_begin = asyncio.Event()
    tools = Tools(before)

    async def until_second_is_drawn() -> None:
        await first_drawn.wait()
        assert tools.calls == ["first", "second"]
        edited_may_not_begin.set()
        await edited.wait()

    policy = Says(draw("first"), change(0, "bluer"), draw("second"), until_second_is_drawn, " End.")
    written = await asyncio.wait_for(Writing(policy, Request(ASKED), tools).run(), 20)
    assert tools.given[2] == (written.rendered.results[0].picture,)


async def test_prose_thoughts_and_tags_come_apart() -> None:
    text = f"<think>A {draw('no')}</think>One <b>. {draw('yes')} Two <imgen>{{}}</imgen> three <img"
    writing = Writing(Says(*text), Request(ASKED), Tools())
    events = await watched(writing)
    assert "".join(event.text for event in events if isinstance(event, Wrote)) == "One <b>.  Two  three "
    assert [event.text for event in events if isinstance(event, Thinking)] == [f"<think>A {draw('no')}</think>"]
    assert [event.tag.kind for event in events if isinstance(event, Called)] == ["tag", "bad_tag"]
    places = [event.place for event in events if isinstance(event, Inside)]
    assert places == ["thought", "text", "tag", "text", "tag", "text"]
    assert writing.written is not None
    assert [result.reason for result in writing.written.rendered.results] == [None, "bad_call"]


async def test_stopping_keeps_what_is_there_and_leaves_nothing_running() -> None:
    never = asyncio.Event()
    tools = Tools(lambda call: never.wait() if call.params.prompt == "slow" else None)
    policy = Says("Begun. ", draw("quick"), draw("slow"), change(1, "slower"), never.wait, "never written")
    writing = Writing(policy, Request(ASKED), tools)
    events = []
    async for event in writing.events():
        events.append(event)
        if isinstance(event, Answered):
            writing.stop()
    written = writing.written
    assert written is not None
    assert written.problem == "stopped"
    assert written.completion is None
    assert [result.reason for result in written.rendered.results] == [None, "unavailable", "unavailable"]
    assert "stopped" in written.rendered.results[1].message
    assert policy.closed
    assert tools.cancelled == 1
    assert len(asyncio.all_tasks()) == 1


async def test_stopping_when_only_pictures_are_missing_keeps_the_whole_text() -> None:
    never = asyncio.Event()
    writing = Writing(Says("All. ", draw("slow")), Request(ASKED), Tools(lambda _: never.wait()))
    async with asyncio.timeout(20):
        async for event in writing.events():
            if isinstance(event, Called):
                asyncio.get_running_loop().call_later(0.05, writing.stop)
    assert writing.written is not None
    assert writing.written.completion is not None
    assert writing.written.rendered.results[0].reason == "unavailable"


async def test_who_walks_away_leaves_nothing_running() -> None:
    never = asyncio.Event()
    tools = Tools(lambda _: never.wait())
    policy = Says(draw("slow"), never.wait)
    async with aclosing(Writing(policy, Request(ASKED), tools).events()) as events:
        async for event in events:
            if isinstance(event, Called):
                break
    assert policy.closed
    assert len(asyncio.all_tasks()) == 1


async def test_a_policy_that_breaks_off_costs_no_picture_that_was_asked_for() -> None:
    broken = ChatError("unreachable", "the stream broke off")
    written = await Writing(Says("One. ", draw("fox"), " Two", broken), Request(ASKED), Tools()).run()
    assert written.problem == "the stream broke off"
    assert written.rendered.results[0].ok
    assert str(written.rendered).endswith(" Two")
    with pytest.raises(ChatError, match="broke off"):
        await Writing(Says(broken), Request(ASKED), Tools()).run()


async def test_the_users_pictures_come_first() -> None:
    mine = picture(200)
    tools = Tools()
    written = await Writing(Says(change(0, "bluer")), Request(ASKED, (mine,)), tools).run()
    assert tools.given == [(mine,)]
    assert written.rendered.inputs == (mine,)


async def an_example(text: str = "") -> Any:
    policy = Says(text or f"# Foxes\n\nRed. {draw('fox')} <imgen>{{}}</imgen>")
    return await Writing(policy, Request(ASKED, (picture(9),)), Tools()).run()


async def test_a_document_is_saved_by_its_suffix(tmp_path: Path) -> None:
    written = await an_example()
    for name in ("a.html", "a.md", "a.json"):
        save(written, tmp_path / "new" / name)
    folder = tmp_path / "new"
    assert sorted(file.name for file in folder.iterdir()) == ["a-0.png", "a-1.png", "a.html", "a.json", "a.md"]
    assert "A page on foxes" in (folder / "a.html").read_text()
    assert "![fox](a-1.png)" in (folder / "a.md").read_text()
    assert load_written(folder / "a.json") == written
    with pytest.raises(ConfigurationError, match=r"\.html, \.md, \.json"):
        save(written, tmp_path / "a.pdf")
    (tmp_path / "b.json").write_text('{"messages": []}')
    with pytest.raises(ConfigurationError, match=r"b\.json: this is no document"):
        load_written(tmp_path / "b.json")


async def test_half_characters_survive_in_json_and_break_no_page(tmp_path: Path) -> None:
    written = await an_example("a \ud83d b")
    for suffix in (".html", ".md", ".json"):
        save(written, tmp_path / f"a{suffix}")
    assert str(load_written(tmp_path / "a.json").rendered) == "a \ud83d b"


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_tasks_are_read_in_every_form(tmp_path: Path, made: Any) -> None:
    from base64 import b64encode

    (tmp_path / "mine.png").write_bytes(picture(1).png)
    data = lines(
        tmp_path / "rows.jsonl",
        {"prompt": "One", "id": "first"},
        "",
        {"prompt": ASKED, "image_count": "inf", "required_tools": ["search"], "extra": 1},
        {"prompt": "Two", "id": "../../etc", "images": ["mine.png", b64encode(picture(2).png).decode()]},
        made.train[0].model_dump_json(),
    )
    first, second, third, fourth = load_tasks(data)
    assert (first.name, first.messages) == ("first", [{"role": "user", "content": "One"}])
    assert second.constraint is not None
    assert second.constraint.count == ImageCount.at_least_one()
    assert "/" not in third.name
    assert [p.sha256 for p in third.pictures] == [picture(1).sha256, picture(2).sha256]
    assert fourth.name == made.train[0].id
    assert fourth.constraint == made.train[0].constraint


def test_a_folder_of_rows_is_read_by_its_splits(tmp_path: Path, made: Any) -> None:
    from llmi_data import Split
    from llmi_data import save as save_rows

    save_rows(Split(made.train[:2], made.test[:3]), tmp_path / "rows")
    assert [task.name for task in load_tasks(tmp_path / "rows")] == [row.id for row in made.test[:3]]
    assert [task.name for task in load_tasks(tmp_path / "rows", split="train")] == [row.id for row in made.train[:2]]


def test_a_bad_line_costs_its_neighbours_nothing(tmp_path: Path) -> None:
    data = lines(
        tmp_path / "rows.jsonl",
        {"prompt": "One"},
        "{",
        {"question": "?"},
        {"prompt": "x", "images": ["nowhere.png"]},
        {"prompt": "x", "image_count": 1000},
        {"prompt": []},
        {"prompt": "Two"},
    )
    problems: list[str] = []
    assert len(list(load_tasks(data, bad=problems.append))) == 2
    assert [problem.split(":")[0].rpartition(" ")[2] for problem in problems] == ["2", "3", "4", "5", "6"]
    with pytest.raises(ConfigurationError, match="line 2"):
        list(load_tasks(data))
    with pytest.raises(ConfigurationError, match="cannot read"):
        list(load_tasks(tmp_path / "nothing.jsonl"))


async def test_a_second_run_writes_only_what_is_missing(tmp_path: Path, toolkit: Toolkit) -> None:
    tasks = list(load_tasks(lines(tmp_path / "rows.jsonl", *({"prompt": f"Row {i}", "id": i} for i in range(6)))))

    class Fails(Says):
        async def write(self, request: Request) -> Completion:
            if request.messages[0]["content"] == "Row 3":
                raise ChatError("refused", "the model declined")
            return await super().write(request)

    folder = tmp_path / "out"
    first = await write_all(Fails(f"Hello. {draw('fox')}"), tasks, toolkit, folder, suffix=".json", at_once=2)
    assert (first.written, first.found, first.failed) == (5, 0, {"3": "the model declined"})
    assert (first.pictures, first.tokens, first.cost) == (5, 5, 2.5)
    again = Says(f"Hello. {draw('fox')}")
    second = await write_all(again, [*tasks, tasks[0]], toolkit, folder, suffix=".json")
    assert (second.written, second.found, second.failed) == (1, 5, {})
    assert [request.messages[0]["content"] for request in again.asked] == ["Row 3"]
    assert load_written(folder / "3.json").rendered.results[0].ok
    assert len((folder / "documents.jsonl").read_text().splitlines()) == 6
    again.identity = "another"
    with pytest.raises(ConfigurationError, match="another policy"):
        await write_all(again, tasks, toolkit, folder, suffix=".json")
    with pytest.raises(ConfigurationError, match="another temperature"):
        await write_all(Says(""), tasks, toolkit, folder, suffix=".json", settings=Request([], temperature=1.0))


async def test_a_spent_budget_ends_the_run_early(tmp_path: Path, toolkit: Toolkit) -> None:
    class Broke(Says):
        async def write(self, request: Request) -> Completion:
            raise ChatError("budget", "nothing is left")

    tasks = list(load_tasks(lines(tmp_path / "rows.jsonl", *({"prompt": f"Row {i}"} for i in range(9)))))
    summary = await write_all(Broke(), tasks, toolkit, tmp_path / "out", at_once=1)
    assert (len(summary.failed), summary.not_tried) == (1, 8)

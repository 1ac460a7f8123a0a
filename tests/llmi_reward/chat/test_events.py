"""Server-sent events: however their bytes are cut, the same events; and what of them is an answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmi_reward.chat import ChatError
from llmi_reward.chat.events import EventReader, StreamedAnswer

STREAM = (
    ": a comment\n\ndata: one\n\nevent: named\ndata:two\ndata: lines é🦊\nid: 4\n\nretry: 10\n\n"
    "data\n\ndata:  spaced\n\ndata: never ended"
)
EVENTS = [b"one", "two\nlines é🦊".encode(), b" spaced"]


def read(chunks):
    reader = EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)]


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 200), max_size=20))
def test_any_cut_gives_the_same_events(line_end, places):
    data = STREAM.replace("\n", line_end).encode()
    ends = sorted({min(place, len(data)) for place in places})
    assert read(data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)) == EVENTS


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_byte_by_byte(line_end):
    data = STREAM.replace("\n", line_end).encode()
    assert read(data[i : i + 1] for i in range(len(data))) == EVENTS


def delta(content=None, finish=None, **rest):
    return json.dumps(
        {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}], **rest}
    ).encode()


def test_pieces_add_up():
    answer = StreamedAnswer()
    events = [
        delta(""),
        delta("Hel", model="m"),
        json.dumps({"choices": [{"index": 1, "delta": {"content": "another answer"}}]}).encode(),
        json.dumps({"choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "hm"}}]}).encode(),
        delta("lo"),
        delta(None, "length"),
        json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}).encode(),
    ]
    assert [answer.take(event) for event in events] == ["", "Hel", "", "", "lo", "", ""]
    assert answer.complete
    whole = answer.answer()
    assert (whole.text, whole.finish, whole.model, whole.usage.tokens) == ("Hello", "length", "m", 5)


def test_a_refusal_is_told_apart():
    answer = StreamedAnswer()
    answer.take(json.dumps({"choices": [{"index": 0, "delta": {"refusal": "I can"}}]}).encode())
    answer.take(json.dumps({"choices": [{"index": 0, "delta": {"refusal": "not."}, "finish_reason": "stop"}]}).encode())
    assert answer.answer().refusal == "I cannot."
    filtered = StreamedAnswer()
    filtered.take(delta("Some", "content_filter"))
    assert "content filter" in (filtered.answer().refusal or "")


@pytest.mark.parametrize(
    "event", [b"<html>", b"[]", b'{"choices": 3}', b"1", b'{"error": {"message": "out of memory"}}']
)
def test_what_is_no_piece_of_an_answer_is_refused(event):
    with pytest.raises(ChatError):
        StreamedAnswer().take(event)

"""`StreamParser` against `parse`: any text, cut anywhere."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmi_schema import BadTag, Language, SearchCall, SearchParams, Segment, Tag, Text, Thought, parse
from llmi_schema.streaming import StreamParser

GOOD = SearchCall(description="a </imgen> b", params=SearchParams(query='say "x" \\ <b>')).to_tag()
RAW = '<imgen>{"source": "search", "description": "a </imgen> b", "params": {"query": "x"}}</imgen>'
EDIT = '<imgen>{"source": "edit", "description": "e", "params": {"img_index": 0, "prompt": "p"}}</imgen>'
PYTHON = "<imgen>{'source': 'search', 'description': 'a', 'params': {'query': 'it</imgen>'}}</imgen>"

PARTS = st.sampled_from(
    [
        GOOD, RAW, EDIT, PYTHON, "<imgen>", "</imgen>", "<think>", "</think>", "<imgen>{}</imgen>", '<imgen> {"a": "',
        "\n", "\n```", "```", "`", "\n~~~", "\n````", "\n   ```", "\n    ```", "```json\n", "~~~~ a`b\n", "``` \t\n",
        "<im", "<", "\\", '"', '\\"', "\\<", "{", "}", " ", "\t", "\r\n", "é", "\ud83d", "x", "word", "<imgen>{'a'",
    ]
)  # fmt: skip
TEXTS = st.lists(PARTS | st.text(max_size=4), max_size=14).map("".join)


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places})
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


def settled_by(text: str, parser: StreamParser, pieces: list[str]) -> list[Segment]:
    """All segments, the end included, and on the way what must hold after every piece."""
    found: list[Segment] = []
    fed = ""
    for piece in pieces:
        fed += piece
        new = parser.feed(piece)
        assert not new or isinstance(new[-1], Tag | BadTag | Thought)
        found += new
        assert parser.settled <= len(fed)
        # what is settled stays, whatever comes: here, in the whole text
        assert sum(len(segment.source) for segment in found) <= parser.settled
    document = parser.close()
    assert str(document) == text
    return [*found, *document.segments[len(found) :]]


def check(text: str, pieces: list[str], *, inputs: int = 0, dialect: str = "json") -> None:
    whole = parse(text, inputs, dialect=dialect)
    parser = StreamParser(inputs, dialect=dialect)
    assert settled_by(text, parser, pieces) == list(whole.segments)


@settings(max_examples=400)
@given(TEXTS, st.lists(st.integers(0, 500), max_size=12), st.integers(0, 1), st.sampled_from(["json", "python"]))
@example('a <imgen>{"a": "x</imgen> <think>y</think> `` \n``` <imgen>{}</imgen> `\n' + GOOD, [3, 20], 0, "json")
def test_any_split_of_any_text_gives_the_segments_of_parse(text, places, inputs, dialect):
    check(text, cut(text, places), inputs=inputs, dialect=dialect)


@settings(max_examples=200)
@given(TEXTS)
def test_character_by_character(text):
    check(text, list(text))


@settings(max_examples=200)
@given(TEXTS.filter(lambda text: "`" not in text))
def test_every_tag_comes_with_its_last_character(text):
    """Where no line begins with backticks: such a line is a fence or not, depending on its end."""
    parser = StreamParser()
    for end in range(1, len(text) + 1):
        for mark in parser.feed(text[end - 1]):
            if isinstance(mark, Tag):
                assert mark.start + len(mark.source) == end
                assert mark in parse(text).marks


def test_what_it_stands_in():
    parser = StreamParser()
    seen = []
    for piece in ("a <ima", "b <imgen>", '{"source"', "}</imgen", ">", " <think>", "x", "</think>"):
        parser.feed(piece)
        seen.append(parser.inside)
    assert seen == ["text", "tag", "tag", "tag", "text", "thought", "thought", "text"]


def test_prose_is_settled_at_once_and_tags_are_not():
    parser = StreamParser()
    parser.feed("Some prose, <")
    assert parser.settled == len("Some prose, ")
    parser.feed("b> and <imgen>{")
    assert parser.settled == len("Some prose, <b> and ")


def test_other_languages():
    language = Language((SearchCall,))
    parser = StreamParser(1, language)
    (tag,) = parser.feed(EDIT)
    assert isinstance(tag, BadTag)
    assert tag == parse(EDIT, 1, language).marks[0]
    assert tag.index == 1


def test_text_before_a_mark_is_one_segment():
    parser = StreamParser()
    for piece in ("one ", "two\n", "three "):
        assert parser.feed(piece) == []
    assert [type(s) for s in parser.feed(GOOD)] == [Text, Tag]


HOSTILE = {
    "prose": "word " * 1,
    "open strings": '<imgen>{"a": "</imgen>',
    "half fences": "\n```x",
    "no fence after all": "\n```x`",
    "fence with tags": "\n```\n<imgen>{}</imgen>",
    "open thoughts": "<think>",
    "escapes": '<imgen>{"\\"',
    "brackets": "<",
    "newlines": "\n   ",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("step", [1, 100_000])
def test_linear(name, step):
    """Ten times the text takes about ten times as long; the bound allows for a busy machine, not for a square."""

    def seconds(length: int) -> float:
        text = (HOSTILE[name] * (length // len(HOSTILE[name]) + 1))[:length]
        best = float("inf")
        for _ in range(3):
            parser = StreamParser()
            started = time.process_time()
            for at in range(0, length, step):
                parser.feed(text[at : at + step])
            best = min(best, time.process_time() - started)
        return best

    small, large = (4_000, 40_000) if step == 1 else (100_000, 1_000_000)
    assert seconds(large) < 40 * max(seconds(small), 1e-3)


def test_random_documents_cut_at_random():
    chance = random.Random(0)
    parts = [
        GOOD,
        RAW,
        EDIT,
        "Prose. ",
        "\n\n",
        "```\n<imgen>{}</imgen>\n```\n",
        "<think>hm</think>",
        "<imgen>{'a': 1}</imgen>",
    ]
    for _ in range(60):
        text = "".join(chance.choices(parts, k=20))
        check(text, cut(text, [chance.randrange(10_000) for _ in range(30)]))

"""`parse` against every row of the semantics that concerns text, and against any text at all."""

from __future__ import annotations

import json
import pickle
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmi_schema import BadTag, CodeCall, CodeParams, SearchCall, SearchParams, Tag, Text, Thought, parse

SEARCH = SearchCall(description="a fox", params=SearchParams(query="red fox")).to_tag()


def edit(index: object) -> str:
    return f'<imgen>{{"source": "edit", "description": "", "params": {{"img_index": {index}, "prompt": "p"}}}}</imgen>'


def only_bad(text: str, input_images: int = 0) -> BadTag:
    (bad,) = parse(text, input_images).bad_tags
    return bad


def test_prose_and_a_tag() -> None:
    document = parse(f"Look: {SEARCH} done")
    assert [type(s) for s in document.segments] == [Text, Tag, Text]
    assert document.calls[0].params.query == "red fox"
    assert document.text == "Look:  done"
    assert document.finished


class TestThoughts:
    def test_tags_inside_are_not_calls(self) -> None:
        document = parse(f"<think>maybe {SEARCH}</think>{SEARCH}")
        assert [type(s) for s in document.segments] == [Thought, Tag]
        assert document.segments[1].index == 0

    def test_never_closed_swallows_the_rest(self) -> None:
        document = parse(f"a<think>{SEARCH}")
        assert not document.calls
        assert not document.finished

    def test_a_lone_end_is_text(self) -> None:
        assert [type(s) for s in parse(f"</think>{SEARCH}").segments] == [Text, Tag]


class TestFences:
    @pytest.mark.parametrize("fence", ["```", "~~~", "````", "   ```", "```json"])
    def test_tags_inside_are_text_and_counted(self, fence: str) -> None:
        marks = fence.strip().removesuffix("json")
        document = parse(f"a\n{fence}\n{SEARCH}\n{SEARCH}\n{marks}\n{SEARCH}")
        assert (document.fenced, len(document.calls)) == (2, 1)

    @pytest.mark.parametrize("not_a_fence", ["a ```", "    ```", "``", "```code``` in a line", "\t```"])
    def test_what_opens_none(self, not_a_fence: str) -> None:
        assert len(parse(f"{not_a_fence}\n{SEARCH}").calls) == 1

    @pytest.mark.parametrize("not_closing", ["``", "~~~", "```x", "a```"])
    def test_what_closes_none(self, not_closing: str) -> None:
        assert parse(f"```\n{not_closing}\n{SEARCH}").fenced == 1

    def test_windows_line_ends(self) -> None:
        assert len(parse(f"```\r\ncode\r\n```\r\n{SEARCH}").calls) == 1


class TestNotPictures:
    @pytest.mark.parametrize(
        "text", ["<image>", "![a](b.png)", '<img src="a">', "＜imgen＞{}＜/imgen＞", "<Imgen>{}</Imgen>"]
    )
    def test_are_text(self, text: str) -> None:
        assert [type(s) for s in parse(text).segments] == [Text]


class TestBadTags:
    @pytest.mark.parametrize(
        ("inside", "reason"),
        [
            ("", "the tag is empty"),
            ("  ", "the tag is empty"),
            ("a fox", "the tag does not hold a JSON object"),
            ("[1]", "the tag does not hold a JSON object"),
            ("{'source': 'search'}", "not valid JSON"),
            ('{"a": 1} {"b": 2}', "extra data"),
            ('{"a": 1, "a": 2}', "the key 'a' appears twice"),
            ('{"description": "d", "params": {}}', "`source` is missing"),
            ('{"source": 1}', "`source` is not a string"),
            ('{"source": "paint"}', "there is no tool named 'paint'; the tools are search, diffusion, code, edit"),
            ('{"source": "search", "description": "d", "params": {}}', "`params.query` is missing"),
            ('{"source": "search", "description": "d", "params": {"query": 3}}', "`params.query`: "),
            ('{"source": "search", "description": "d", "params": {"query": "q"}, "n": 1}', "`n` is not a field"),
            ('{"source": "search", "description": "\\ud800", "params": {"query": "q"}}', "half a surrogate pair"),
            ('{"source": "search", "description": "a\nb", "params": {"query": "q"}}', "not valid JSON"),
            ('{"a": ' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
            ('{"a": ' + "9" * 10_000 + "}", "not valid JSON"),
            ('{"source": "search", "description": "x<imgen>', "another <imgen> opens before this one is closed"),
        ],
    )
    def test_reasons(self, inside: str, reason: str) -> None:
        bad = only_bad(f"<imgen>{inside}</imgen>")
        assert reason in bad.reason
        assert len(bad.reason) < 300

    def test_counts_as_an_attempt_of_the_tool_it_names(self) -> None:
        assert only_bad('<imgen>{"source": "code", oops}</imgen>').tool == "code"
        assert only_bad("<imgen>{'source': 'search'}</imgen>").tool == "search"
        assert only_bad('<imgen>{"source": "paint"}</imgen>').tool is None

    def test_takes_a_picture_index(self) -> None:
        document = parse(f"<imgen>bad</imgen>{SEARCH}", input_images=2)
        assert [tag.index for tag in document.tags] == [2, 3]

    @pytest.mark.parametrize("cut", [SEARCH[:-1], "<imgen>", "<imgen>{", SEARCH + "<imgen>x"])
    def test_never_closed(self, cut: str) -> None:
        document = parse(f"a {cut}")
        assert document.open_tag == cut.rindex("<imgen>") + 2
        assert not document.finished
        assert str(document) == f"a {cut}"


class TestPictureIndex:
    def test_input_pictures_come_first(self) -> None:
        assert parse(edit(1), input_images=2).calls[0].picture_index == 1

    def test_only_earlier_pictures(self) -> None:
        assert only_bad(edit(0)).reason == "it works on picture 0, but no picture comes before this tag"
        assert "only pictures 0 to 1 come" in only_bad(edit(2), input_images=2).reason

    def test_a_bad_tag_can_be_pointed_to(self) -> None:
        assert len(parse(f"<imgen>bad</imgen>{edit(0)}").calls) == 1

    @pytest.mark.parametrize("index", ["true", "-1", "0.0", '"0"', "null", "1e0"])
    def test_what_is_no_index(self, index: str) -> None:
        assert "img_index" in only_bad(edit(index), input_images=2).reason


class TestWriting:
    @pytest.mark.parametrize(
        "code",
        ['"', "\\", "\n", "{}", "é漢😀", "</imgen>", "<imgen>", "</", "<", "```", "'", "\x00\x7f"],
    )
    def test_every_string_survives(self, code: str) -> None:
        call = CodeCall(description=code, params=CodeParams(code=code * 3))
        tag = call.to_tag()
        assert parse(tag).calls == (call,)
        assert tag.count("<imgen>") == tag.count("</imgen>") == 1

    def test_a_closing_mark_inside_a_string_does_not_close(self) -> None:
        tag = '<imgen>{"source": "search", "description": "</imgen>", "params": {"query": "q"}}</imgen>'
        assert parse(tag).calls[0].description == "</imgen>"

    def test_canonical(self) -> None:
        loose = '<imgen> { "params": {"query": "q"}, "source":"search","description":"\\u00e9" } </imgen>'
        document = parse(f"a {loose} <imgen>bad</imgen>")
        tag = '<imgen>{"source": "search", "description": "é", "params": {"query": "q"}}</imgen>'
        assert document.canonical() == f"a {tag} <imgen>bad</imgen>"
        assert str(document) == f"a {loose} <imgen>bad</imgen>"


class TestValues:
    def test_segments_are_values(self) -> None:
        text = f"a <think>b</think> {SEARCH} <imgen>bad</imgen>"
        one, other = parse(text), parse(text)
        assert one == other
        assert hash(one) == hash(other)
        assert repr(one) == repr(other)
        assert pickle.loads(pickle.dumps(one)) == one
        assert one.segments != parse(text + "!").segments
        with pytest.raises(AttributeError):
            one.segments[0].start = 1  # type: ignore[misc]

    def test_segments_are_taken_apart_by_match(self) -> None:
        match parse(f"<think>b{SEARCH}").segments + parse(SEARCH + "<imgen>x</imgen>").segments:
            case (Thought(0, source, False), Tag(0, tag, 0, call), BadTag(_, "<imgen>x</imgen>", 1, reason, None)):
                assert (source, tag, call.source, reason) == (
                    f"<think>b{SEARCH}",
                    SEARCH,
                    "search",
                    "the tag does not hold a JSON object",
                )
            case _:
                pytest.fail("no match")


MARKS = ["<imgen>", "</imgen>", "<think>", "</think>", "<image>", "```", "~~~", SEARCH, edit(0), '{"source": "code"']
PIECES = st.sampled_from([*MARKS, *"\n\"\\{}</\ud800é \r`a':,"])


@settings(max_examples=1500)
@given(st.lists(PIECES, max_size=25).map("".join) | st.text(), st.integers(0, 3))
def test_any_text_comes_back_and_nothing_raises(text: str, input_images: int) -> None:
    for dialect in ("json", "python"):
        document = parse(text, input_images, dialect=dialect)
        assert str(document) == text
        assert "".join(s.source for s in document.segments) == text
        assert all(tag.reason for tag in document.bad_tags)
        assert all(tag.tool == tag.call.source for tag in document.tags if isinstance(tag, Tag))
        starts = [s.start for s in document.segments]
        assert starts == [sum(len(s.source) for s in document.segments[:i]) for i in range(len(starts))]
        assert [tag.index for tag in document.tags] == list(range(input_images, input_images + len(document.tags)))
        assert parse(document.canonical(), input_images, dialect="json").calls == document.calls or dialect == "python"


ADVERSARIAL = [
    "<imgen>{",
    '<imgen>{"</imgen>',
    '<imgen>{"\\"</imgen>',  # took minutes once: each tag was lexed to the end of the text
    '<imgen>{"\\<imgen>{',
    '<imgen>{"a":"',
    "<imgen>{}</imgen>",
    "</imgen>",
    "<think>",
    "<think></think>",
    "\n```",
    "````\n```\n",
    "```\n~~~\n",
    "\n`````\nx\n`````",
    "<imgen></imgen>",
    "<imgen>x</imgen> ",
    '<imgen>{"a": 1, "a": 2}</imgen>',
    SEARCH,
    SEARCH.replace("red fox", "\\ud800"),
    SEARCH.replace('"red fox"', "1"),
    '<imgen>{"params": {"query": "q"}, "source": "search", "description": "d"}</imgen>',
    "<image>",
    "`",
    "~~~",
    "<imgen>  ",
    '"source":"',
    '<imgen>"source"   ',
]


@pytest.mark.parametrize("unit", ADVERSARIAL)
def test_time_is_linear(unit: str) -> None:
    def seconds(characters: int) -> float:
        text = (unit * (characters // len(unit) + 1))[:characters]
        best = float("inf")
        for _ in range(3):
            begin = time.thread_time()
            parse(text)
            best = min(best, time.thread_time() - begin)
        return best

    small, large = seconds(50_000), seconds(400_000)
    assert large < 24 * small + 0.02, f"8 times the text took {large / small:.0f} times as long"


HALVES = st.lists(
    st.sampled_from(
        ["\\", "u", "d83d", "D", "8", "3", "dE00", "\\ud83d", "\\ude00", "\ud83d", "\ude00", "\\\\", "\\n", "n", ":"]
    )
).map("".join)


@given(HALVES)
def test_half_characters_are_found_however_they_are_written(inside: str) -> None:
    tag = f'<imgen>{{"source": "search", "description": "x", "params": {{"query": "a{inside}"}}}}</imgen>'
    try:
        query = json.loads(tag.removeprefix("<imgen>").removesuffix("</imgen>"))["params"]["query"]
        query.encode()
    except ValueError:  # not JSON, or halves that cannot be encoded
        assert parse(tag).bad_tags
    else:
        assert parse(tag).calls[0].params.query == query

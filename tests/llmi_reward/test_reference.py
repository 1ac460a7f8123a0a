"""The published formulas: figures worked out by hand, and straightforward second versions."""

import ast
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmi_reward.reference import combine, count_score, tool_score, valid_tag
from llmi_schema import ConstraintError

TOOLS = ("code", "edit", "search", "diffusion")


@pytest.mark.parametrize(
    ("code", "delivered", "train", "other"),
    [
        (-1, 0, 1.0, 1.0),
        (-1, 2, 0.0, 0.0),
        (0, 0, 1.0, 1.0),
        (0, 50, 1.0, 1.0),
        (99, 0, 0.0, 0.0),
        (99, 99, 1.0, 1.0),
        (99, 1, 1.0, 1.0),
        (3, 0, 0.0, 0.0),
        (3, 1, 0.3333333333333333, 0.0),
        (3, 2, 0.6666666666666666, 0.0),
        (3, 3, 1.0, 1.0),
        (3, 4, 0.7, 0.0),
        (3, 5, 0.4, 0.0),
        (3, 6, 0.10000000000000009, 0.0),
        (3, 7, 0.0, 0.0),
        (1, 4, 0.10000000000000009, 0.0),
    ],
)
def test_count_score(code, delivered, train, other):
    assert count_score(code, delivered, "train") == train
    assert count_score(code, delivered, "test") == other
    assert count_score(code, delivered, "validation") == other


@given(st.integers(1, 98), st.integers(0, 200))
def test_count_score_of_exact_counts(n, c):
    expected = c / n if c <= n else max(0, 1 - 0.3 * (c - n))
    assert count_score(n, c, "train") == expected
    assert count_score(n, c, "test") == (n == c)


def test_there_is_no_code_below_minus_one():
    with pytest.raises(ConstraintError):
        count_score(-2, 0, "train")


@pytest.mark.parametrize(
    ("required", "attempted", "succeeded", "score"),
    [
        ("", "", "", 0.0),
        ("", "code", "code", 0.0),
        ("code", "", "", 0.0),
        ("code", "code", "", 0.5),
        ("code", "code search", "code search", 1.0),
        ("code", "search", "search", 0.0),
        ("code search", "code", "code", 2 / 3),  # (0.4 / 0.6 + 0.4 / 0.6) / 2
        ("search diffusion", "search diffusion", "diffusion", 2 / 3),  # (0.1 / 0.3 + 1) / 2
        ("code edit search diffusion", "code edit", "edit", 0.5),  # (0.3 + 0.7) / 2
        ("code unheard-of", "code", "code", 1.0),
        ("unheard-of", "", "", 1.0),
        ("unheard-of", "code", "", 0.0),
    ],
)
def test_tool_score(required, attempted, succeeded, score):
    got = tool_score(set(required.split()), set(attempted.split()), set(succeeded.split()))
    assert got == pytest.approx(score, abs=1e-15)


@given(*[st.sets(st.sampled_from(TOOLS))] * 3)
def test_tool_score_in_exact_tenths(required, attempted, succeeded):
    weight = {"code": 4, "edit": 3, "search": 2, "diffusion": 1}

    def share(used):
        return sum(weight[t] for t in required & used) / sum(weight[t] for t in required)

    expected = (share(succeeded) + share(attempted)) / 2 if required else 0.0
    assert tool_score(required, attempted, succeeded) == pytest.approx(expected, abs=1e-12)


@given(*[st.sets(st.sampled_from(TOOLS))] * 3)
def test_tool_score_does_not_depend_on_the_order_of_tools(required, attempted, succeeded):
    forwards = tool_score(sorted(required), sorted(attempted), sorted(succeeded))
    backwards = tool_score(sorted(required)[::-1], sorted(attempted)[::-1], sorted(succeeded)[::-1])
    assert forwards == backwards


@pytest.mark.parametrize(
    ("marks", "reward"),
    [
        ((1.0, 5, 5, 5, 5, 5), 1.0),
        ((0.0, 1, 1, 1, 1, 1), 0.0),
        ((0.0, 5, 5, 5, 5, 5), 0.5),  # the MLLM's marks are gated by the count
        ((1.0, 1, 1, 5, 5, 5), 0.5),
        ((1.0, 1, 1, 1, 1, 1), 0.2),
        ((1.0, 3, 3, 3, 3, 3), 0.6),
        ((0.5, 5, 1, 1, 3, 5), 0.525),  # 0.1 + 0.3 * 0.5 * 0.5 + 0.5 * 0.7
        ((1.0, 4, 2, 5, 4, 3), 0.725),  # L = (0.7 * 4 + 0.3 * 2 - 1) / 4 = 0.6, M = 0.75
    ],
)
def test_combine(marks, reward):
    assert combine(*marks) == pytest.approx(reward, abs=1e-15)


def test_combine_with_the_multimodal_weights():
    assert combine(0.0, 5, 1, 1, 1, 1, text_weight=1.5, image_weight=0.5) == pytest.approx(0.375, abs=1e-15)


marks = st.integers(1, 5)


@given(st.floats(0, 1), marks, marks, marks, marks, marks, st.sampled_from([(1.4, 0.6), (1.5, 0.5)]))
def test_combine_in_the_published_order(s, t, i, q, ti, tq, judges):
    w_t, w_i = judges
    llm_mark = (w_t * t + w_i * i) / (w_t + w_i)
    llm = (llm_mark - 1) / 4
    mllm_mark = (1.0 * q + 1.0 * ti + 1.0 * tq) / (1.0 + 1.0 + 1.0)
    mllm = (mllm_mark - 1) / 4
    assert combine(s, t, i, q, ti, tq, w_t, w_i) == 0.2 * s + 0.3 * mllm * s + 0.5 * llm


SEARCH = "{'source': 'search', 'description': 'a fox', 'params': {'query': 'fox'}}"
EDIT = "{{'source': 'edit', 'description': '', 'params': {{'img_index': {}, 'prompt': 'blue'}}}}"


@pytest.mark.parametrize(
    ("body", "tags", "inputs", "valid"),
    [
        (SEARCH, 1, 0, True),
        (f" {SEARCH}", 1, 0, True),
        (SEARCH.replace("'", '"'), 1, 0, True),  # JSON of strings is a Python literal
        (SEARCH.replace("search", "diffusion"), 1, 0, False),  # query is not its parameter
        (SEARCH.replace("search", "diffusion").replace("query", "prompt"), 1, 0, True),
        (SEARCH.replace("'fox'", "7"), 1, 0, False),
        (SEARCH.replace("'a fox'", "''"), 1, 0, True),
        (SEARCH.replace("'a fox'", "None"), 1, 0, False),
        (SEARCH.replace("'search'", "['search']"), 1, 0, False),
        (SEARCH[:-1] + ", 'more': 1}", 1, 0, False),
        (SEARCH.replace("{'query': 'fox'}", "'fox'"), 1, 0, False),
        ("{}", 1, 0, False),
        ("[]", 1, 0, False),
        ("", 1, 0, False),
        ("{'source': search()}", 1, 0, False),
        ("{[]: 1}", 1, 0, False),
        ("\0", 1, 0, False),
        (EDIT.format(0), 1, 0, True),  # itself: the release does not mind
        (EDIT.format(1), 1, 0, False),
        (EDIT.format(1), 1, 1, True),
        (EDIT.format(-1), 1, 0, False),
        (EDIT.format("True"), 2, 0, True),
        (EDIT.format("True"), 1, 0, False),
        (EDIT.format("0.0"), 1, 0, False),
        (EDIT.format("'0'"), 1, 0, False),
        # code is read by its shape, because it holds unescaped quotes ...
        ("{'source': 'code', 'description': 'a', 'params': {'code': 'print('x')\nplt.plot()'}}", 1, 0, True),
        ("\n{'source': 'code', 'description': 'a', 'params': {'code': ''}}\n", 1, 0, True),
        ("{'source': 'code', 'description': 'a', 'params': {'code': 'x'}}'}}", 1, 0, True),
        # ... and as a literal when it has another one
        ('{"source": "code", "description": "it\'s", "params": {"code": "x"}}', 1, 0, True),
        ("{'source': 'code', 'description': 'it\\'s', 'params': {'code': 'x'}}", 1, 0, True),
        ("{'source': 'code', 'description': 'it's', 'params': {'code': 'x'}}", 1, 0, False),
        ("{'source':  'code', 'description': 'a', 'params': {'code': 'print('x')'}}", 1, 0, False),
        ("{'source': 'code', 'description': 'a', 'params': {'code': 'x', 'size': 'y'}}", 1, 0, True),
    ],
)
def test_valid_tag(body, tags, inputs, valid):
    assert valid_tag(body, tags, inputs) is valid


_SHAPE = re.compile(r"\s*\{'source': 'code', 'description': '([^']*)', 'params': \{'code': '(.*)'\}\}\s*", re.DOTALL)


def read_plainly(body):
    """A second reader of tag bodies, for short ones: it backtracks."""
    if "'source': 'code'" in body and (match := _SHAPE.fullmatch(body)):
        return {"source": "code", "description": match[1], "params": {"code": match[2]}}
    try:
        return ast.literal_eval(body)
    except (SyntaxError, ValueError, TypeError):
        return None


PIECES = [
    *["{'source': 'code'", "{'source': 'search'", ", 'description': 'd'", ", 'params': {'query': 'q'}}"],
    *[", 'params': {'code': 'c'}}", ", 'description': '", "', 'params': {'code': '", "'}}"],
    *["a", "\n", " ", "{", "}", "\\", "'", '"', ","],
]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_bodies_are_read_like_the_plain_reader_does(pieces):
    body = "".join(pieces)
    value = read_plainly(body)
    expected = (
        isinstance(value, dict)
        and set(value) == {"source", "description", "params"}
        and (value["source"], *value["params"]) in {("code", "code"), ("search", "query")}
    )
    assert valid_tag(body, 1, 0) is expected


@given(st.text())
def test_valid_tag_never_raises(body):
    assert isinstance(valid_tag(body, 1, 0), bool)


@pytest.mark.parametrize(
    "body",
    [
        "(" * 100_000,
        "{'source': 'code'" * 20_000,
        "{'source': 'code', 'description': '" * 10_000,
        "{'source': 'code', 'description': '', 'params': {'code': '" + "'}} " * 50_000 + "x",
        "9" * 100_000,
    ],
)
def test_valid_tag_is_quick_on_long_nonsense(body):
    started = time.perf_counter()
    assert valid_tag(body, 1, 0) is False
    assert time.perf_counter() - started < 1.0

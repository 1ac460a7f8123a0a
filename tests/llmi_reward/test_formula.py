"""Laws of the algebra, over random formulas."""

import operator
import pickle
from dataclasses import dataclass
from functools import reduce
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmi_reward import Formula, Rule, Score, Unscored, mean, presets
from llmi_reward.evaluation import Known, summarise
from llmi_schema import ConfigurationError


@dataclass(frozen=True, slots=True)
class Given(Rule):
    """A rule that measures what it is told; None is unscored."""

    value: float | None
    name: str = "given"

    def measure(self, sample):
        return Unscored("nothing given") if self.value is None else self.value


# not so small that products of them vanish: a product that is 0 by underflow hides an unscored factor
values = st.one_of(st.sampled_from([0.0, 1.0, 0.5, -1.0]), st.floats(1e-3, 4), st.floats(-4, -1e-3))
weights = values


def plain(op, a, b):
    """The algebra in plain Python: None is unscored, and a product with a 0 is 0."""
    if op is operator.mul and (a == 0 or b == 0):
        return 0.0
    return None if a is None or b is None else op(a, b)


def clip(x, low, high):
    return None if x is None else min(max(x, low), high)


@st.composite
def formulas(draw, values=values, depth=4):
    """A formula and the value plain Python gives for the same expression."""
    counter = iter(range(1000))

    def grow(depth):
        inner = ["leaf", "+", "-", "*", "scale", "clip", "at", "name", "mean"]
        kind = draw(st.sampled_from(["leaf"] if depth == 0 else inner))
        number = next(counter)
        if kind == "leaf":
            value = draw(values)
            return Given(value, name=f"g{number}"), value
        left, x = grow(depth - 1)
        if kind == "mean":
            right, y = grow(depth - 1)
            total = plain(operator.add, x, y)
            return mean(left, right), None if total is None else total / 2
        if kind in "+-*":
            right, y = grow(depth - 1)
            op = {"+": operator.add, "-": operator.sub, "*": operator.mul}[kind]
            return op(left, right), plain(op, x, y)
        if kind == "scale":
            weight = draw(weights)
            return weight * left, plain(operator.mul, weight, x)
        if kind == "clip":
            return left.clip(-0.5, 0.5), clip(x, -0.5, 0.5)
        if kind == "at":
            return left.threshold(0.25), None if x is None else float(x >= 0.25)
        return left.named(f"n{number}"), x

    return grow(depth)


@given(formulas())
def test_the_value_is_plain_arithmetic_to_the_last_bit(pair):
    formula, value = pair
    assert formula.score(None).value == value


@given(formulas(st.one_of(values, st.none())))
def test_unscored_parts_propagate_except_through_a_zero(pair):
    formula, value = pair
    score = formula.score(None)
    assert score.value == value
    assert (score.reason is None) == (value is not None)


@given(formulas())
def test_contributions_sum_to_the_value(pair):
    score = pair[0].score(None)
    assert isclose(sum(score.contributions.values()), score.value, rel_tol=1e-9, abs_tol=1e-9)


@given(formulas(st.one_of(values, st.none())), formulas(st.one_of(values, st.none())))
def test_names_and_labels_depend_on_the_formula_alone(first, second):
    for formula in (first[0], second[0]):
        score = formula.score(None)
        assert tuple(score.components) == tuple(formula.parts)
        assert tuple(score.contributions) == (() if score.value is None else formula.labels)


@given(st.one_of(values, st.none()), st.one_of(values, st.none()), st.one_of(values, st.none()))
def test_commutative_and_associative_up_to_rounding(x, y, z):
    a, b, c = Given(x, name="a"), Given(y, name="b"), Given(z, name="c")

    def same(left, right):
        left, right = left.score(None).value, right.score(None).value
        return left == right if left is None or right is None else isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)

    assert same(a + b, b + a)
    assert same(a * b, b * a)
    assert same(a + (b + c), (a + b) + c)
    assert same(a * (b * c), (a * b) * c)
    assert same(a - b, a + -1 * b)
    assert same(-(0.5 * a), -0.5 * a)
    if None not in (x, y, z):
        assert same(a * (b + c), a * b + a * c)


@given(formulas(st.one_of(values, st.none())))
async def test_awaiting_and_scoring_agree(pair):
    assert await pair[0](None) == pair[0].score(None)


@given(formulas())
def test_formulas_are_picklable(pair):
    assert pickle.loads(pickle.dumps(pair[0])).score(None) == pair[0].score(None)


@given(st.data())
def test_the_repr_is_the_formula(data):
    """Evaluated as Python, with the parts under their names, the repr gives the same formula."""
    formula, _ = data.draw(formulas())
    names = {name: part for name, part in formula.parts.items() if isinstance(part, Given)}
    text = repr(formula) if not isinstance(formula, Given) else formula.name
    for name, part in names.items():
        text = text.replace(f"{name}(value={part.value!r})", name)
    again = eval(text, names | {"mean": mean})
    assert again.score(None) == formula.score(None)


def test_the_papers_formula_reads_as_it_is_written():
    s, m, judged = (Given(v, name=n) for n, v in [("count", 0.8), ("mllm", 0.5), ("llm", 0.25)])
    formula = 0.2 * s + 0.3 * s * m + 0.5 * judged
    assert repr(formula).replace("(value=0.8)", "").replace("(value=0.5)", "").replace("(value=0.25)", "") == (
        "0.2 * count + 0.3 * count * mllm + 0.5 * llm"
    )
    score = formula.score(None)
    assert score.value == 0.2 * 0.8 + 0.3 * 0.8 * 0.5 + 0.5 * 0.25
    assert score.components == {"count": 0.8, "mllm": 0.5, "llm": 0.25}
    assert score.contributions == {"count": 0.2 * 0.8, "count*mllm": 0.3 * 0.8 * 0.5, "llm": 0.5 * 0.25}


def test_the_preset_prints_its_formula():
    assert repr(presets.rules()) == "format * (0.6 * count + 0.4 * tool)"


def test_a_named_group_is_one_contribution_and_keeps_its_parts_as_components():
    a, b, c = Given(0.5, name="a"), Given(1.0, name="b"), Given(0.25, name="c")
    score = (0.5 * (a + b).named("both") + c).score(None)
    assert score.components == {"a": 0.5, "b": 1.0, "both": 1.5, "c": 0.25}
    assert score.contributions == {"both": 0.75, "c": 0.25}


def test_what_a_clip_cuts_off_is_a_contribution():
    score = (2 * Given(0.75, name="a")).clip().score(None)
    assert score.value == 1.0
    assert score.contributions == {"a": 1.5, "clip": -0.5}


def test_a_zero_spares_the_other_factor():
    measured = []

    @dataclass(frozen=True, slots=True)
    class Watched(Rule):
        name: str = "watched"

        def measure(self, sample):
            measured.append(sample)
            return 1.0

    score = (Given(0.0) * Watched() + 0.0 * Watched()).score(None)
    assert score.value == 0.0
    assert measured == []
    assert score.components == {"given": 0.0, "watched": None}
    assert score.contributions == {"given*watched": 0.0, "watched": 0.0}


def test_a_rule_that_occurs_twice_is_measured_once():
    measured = []

    @dataclass(frozen=True, slots=True)
    class Watched(Rule):
        name: str = "watched"

        def measure(self, sample):
            measured.append(sample)
            return 0.5

    assert (Watched() + Watched() * Watched()).score(None).value == 0.75
    assert len(measured) == 1


def test_the_reason_names_the_parts():
    score = (Given(None, name="a") + Given(None, name="b") + Given(1.0, name="c")).score(None)
    assert score.reason == "a, b: nothing given"
    assert score.components == {"a": None, "b": None, "c": 1.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_rule_without_a_finite_number_is_unscored(value):
    score = Given(value).threshold(0.5).score(None)
    assert (score.value, score.reason) == (None, f"given: {value} is no score")


def test_two_rewards_of_one_name_must_be_told_apart():
    with pytest.raises(ConfigurationError, match="two different rewards are called 'given'"):
        Given(0.0) + Given(1.0)
    formula = Given(0.0) + Given(1.0).named("second")
    assert formula.score(None).components == {"given": 0.0, "second": 1.0}


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: Given(1.0) * float("nan"),
        lambda: Given(1.0).clip(1, 0),
        lambda: Given(1.0).clip(0, float("nan")),
        lambda: Given(1.0).threshold(float("nan")),
    ],
)
def test_numbers_that_make_no_sense_are_refused(mistake):
    with pytest.raises(ConfigurationError):
        mistake()


def test_only_formulas_and_numbers_combine():
    with pytest.raises(TypeError):
        Given(1.0) + "count"
    assert isinstance(1 + Given(1.0), Formula)
    assert (2 - Given(0.5)).score(None).value == 1.5


@pytest.mark.parametrize("wrong", [(None, None), (1.0, "why"), (float("nan"), None)])
def test_a_score_is_a_number_or_a_reason(wrong):
    with pytest.raises(ValueError, match=r"[sS]core"):
        Score(*wrong)


@given(formulas(st.one_of(values, st.none())))
def test_the_quick_way_and_the_general_way_agree(pair):
    """A compiled plan gives the very score the general way gives: values, components, contributions."""
    formula, _ = pair
    planned = formula._plan(None)
    assert planned is None or planned == summarise(formula, Known(None))
    assert planned is not None or isinstance(formula, Rule) or None in (p for p in leaf_values(formula))


def leaf_values(formula):
    return [part.value for part in formula.parts.values() if isinstance(part, Given)]


@given(st.lists(st.one_of(values, st.none()), min_size=1, max_size=5), st.integers(1, 5))
def test_a_mean_is_over_those_that_answered_where_enough_did(given_values, enough):
    enough = min(enough, len(given_values))
    judges = [Given(value, name=f"g{i}") for i, value in enumerate(given_values)]
    score = mean(*judges, enough=enough).score(None)
    there = [value for value in given_values if value is not None]
    if len(there) < enough:
        assert score.value is None
        assert "nothing given" in score.reason
    else:
        assert score.value == pytest.approx(sum(there) / len(there), abs=1e-12)
        assert isclose(sum(score.contributions.values()), score.value, rel_tol=1e-9, abs_tol=1e-9)


def test_a_mean_needs_all_unless_told_otherwise():
    a, b = Given(0.5, name="a"), Given(None, name="b")
    assert mean(a, b).score(None).value is None
    assert mean(a, b, enough=1).score(None).value == 0.5
    assert repr(0.5 * mean(a, b, enough=1)) == "0.5 * mean(a(value=0.5), b(value=None), enough=1)"
    assert (0.5 * mean(a, a.named("c")) * a).score(None).contributions == {"a*a": 0.0625, "c*a": 0.0625}


@pytest.mark.parametrize(
    "wrong", [lambda: mean(), lambda: mean(Given(1.0), enough=2), lambda: mean(Given(1.0), enough=0)]
)
def test_a_mean_that_cannot_be_met_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="cannot ask for"):
        wrong()


def test_clips_to_infinity_and_numpy_like_values_take_the_right_way():
    class Half(float):
        pass

    assert (Given(-0.5) * 2).clip(0, float("inf")).score(None).value == 0.0
    assert (2 * Given(Half(0.25))).score(None).value == 0.5
    assert (2 * Given(True)).score(None).components == {"given": 1.0}


def test_formulas_too_large_to_compile_are_scored_all_the_same():
    deep = reduce(operator.mul, (Given(1.0, name=f"g{i}") for i in range(150)))
    assert deep.score(None).value == 1.0
    long = reduce(operator.add, (Given(1.0, name=f"g{i}") for i in range(1500)))
    assert long.score(None).value == 1500.0

"""The offline generator: varied, implicit, deterministic, and learnable across the split."""

import itertools
import math
import re
import time
from collections import Counter, defaultdict

import pytest

from llmi_data import Cell, Plan, PlanError, generate, straddlers, tool_namings, validate
from llmi_data.offline import FAMILIES, compose
from llmi_data.offline.families import SUBJECTS, subject
from llmi_data.offline.wordings import (
    ANY_PICTURES,
    AT_LEAST_ONE,
    CHANGES,
    EXACTLY,
    GROUPS,
    NEEDS,
    NO_PICTURES,
    OPENINGS,
    TONES,
)

COUNTS = {"none": NO_PICTURES, "any": ANY_PICTURES, "at least one": AT_LEAST_ONE, "exactly": EXACTLY}
MAIN = {**NEEDS, **COUNTS, "opening": OPENINGS}
ALL = {**MAIN, **{f"group {n}": w for n, w in GROUPS.items()}, **CHANGES, "tone": TONES}


def test_every_count_and_tool_occurs_and_labels_are_as_planned(rows):
    planned = Counter({(c.count, c.tools): c.rows for c in Plan.demo().cells})
    assert Counter((row.image_count, row.required_tools) for row in rows) == planned
    assert len({row.id for row in rows}) == len(rows)


def test_the_same_seed_gives_the_same_bytes():
    plan = Plan.demo(rows=120, seed=11)
    first = [row.model_dump_json() for row in generate(plan)]
    assert first == [row.model_dump_json() for row in generate(plan)]
    assert first != [row.model_dump_json() for row in generate(Plan.demo(rows=120, seed=12))]


def test_a_row_does_not_depend_on_its_neighbours():
    plan = Plan.demo(rows=120, seed=5)
    assignment = next(plan.expand())
    alone = compose(assignment, plan.seed)
    whole = {row.id: row for row in generate(plan)}
    assert whole[alone.id] == alone


def test_five_hundred_rows_take_less_than_two_seconds():
    start = time.process_time()
    assert len(list(generate(Plan.demo(rows=500, seed=77)))) == 500
    assert time.process_time() - start < 2


def test_there_are_many_scenarios():
    assert len(FAMILIES) >= 16
    assert sum(family.held_out for family in FAMILIES) >= 4
    assert sum(len(family.topics) * len(family.angles) for family in FAMILIES) >= 200
    made = list(generate(Plan.demo(rows=1500, seed=1)))
    assert len({(r.provenance.topic, r.provenance.scenario.angle) for r in made}) >= 200


def test_no_topic_angle_or_scene_is_in_two_families():
    for parts in ("topics", "scenes", "angles"):
        everything = [part for family in FAMILIES for part in getattr(family, parts)]
        assert len(everything) == len(set(everything)), parts


def test_every_topic_ends_with_a_subject_that_is_not_repeated_in_its_family():
    for family in FAMILIES:
        subjects = [subject(topic) for topic in family.topics]
        assert len(set(subjects)) == len(subjects) >= 4, family.name
    assert {subject(t) for f in FAMILIES for t in f.topics} == set(SUBJECTS)


def test_the_offline_gallery_shows_every_subject_and_no_two_alike():
    gallery = pytest.importorskip("llmi_sandbox.tools.gallery").gallery
    search = pytest.importorskip("llmi_sandbox.tools.search").LocalSearch(gallery())
    found = {thing: search.find(thing, 1) for thing in SUBJECTS}
    assert [thing for thing, pictures in found.items() if not pictures] == []
    assert len({pictures[0].name for pictures in found.values()}) == len(SUBJECTS)


@pytest.mark.parametrize("purpose", MAIN)
def test_there_are_ten_training_wordings_and_held_out_ones(purpose):
    assert len(MAIN[purpose].on("train")) >= 10
    assert len(MAIN[purpose].on("test")) >= 4


def test_no_wording_is_on_both_sides():
    texts = [(w.text.lower(), w.side) for wordings in ALL.values() for w in (*wordings.clear, *wordings.vague)]
    assert len({text for text, _ in texts}) == len(texts)


@pytest.mark.parametrize("purpose", [*NEEDS, *COUNTS])
def test_held_out_wordings_use_cue_words_of_several_training_ones(purpose):
    """Of its words, half occur in two or more training wordings of the same purpose, and three quarters in one."""
    words = Counter(word for w in MAIN[purpose].on("train") for word in set(re.findall(r"[\w{}]+", w.text.lower())))
    for wording in MAIN[purpose].on("test"):
        said = set(re.findall(r"[\w{}]+", wording.text.lower()))
        assert sum(words[word] >= 2 for word in said) >= len(said) / 2, wording.text
        assert sum(words[word] >= 1 for word in said) >= len(said) * 3 / 4, wording.text


def test_wordings_and_families_stay_on_their_side(rows):
    train = [row for row in rows if row.provenance.side == "train"]
    test = [row for row in rows if row.provenance.side == "test"]
    assert len(train) > 3 * len(test) > 0
    assert list(straddlers(train, test)) == []
    held_out = {family.name for family in FAMILIES if family.held_out}
    assert {row.provenance.family for row in test} == held_out


def test_prompts_are_short_and_implicit(rows):
    for row in rows:
        assert 25 <= len(row.text.split()) <= 60, row.text
        assert not tool_namings(row.text), row.text
        assert "{" not in row.text
        assert not re.search(r"\ba (?:image|illustration)|\s[,.;:]|\.\.|  ", row.text), row.text


def test_the_scenario_holds_what_the_prompt_asks_for(rows):
    vague = {w.id for wordings in ALL.values() for w in wordings.vague}
    for row in rows:
        facts = row.provenance.scenario
        assert facts.topic in row.text or facts.topic[4:] in row.text
        assert facts.angle in row.text
        assert subject(facts.topic) == facts.queries[0]
        for kind in (facts.queries, facts.scenes, facts.edits):
            assert len(set(kind)) == len(kind) >= 4
        if "code" in row.required_tools:
            assert len(facts.series.values) >= 3
            for label, value in zip(facts.series.labels, facts.series.values, strict=True):
                assert re.search(rf"\b{value} (?:\w+ )?{label}", row.text), row.text
        if "diffusion" in row.required_tools:
            assert facts.scenes[0] in row.text
        assert bool(row.images) == ("edit" in row.required_tools)
        if "edit" in row.required_tools and not vague & set(row.provenance.wordings):
            changes = [w.text for w in CHANGES[facts.edits[0]].clear]
            assert any(change in row.text for change in changes), row.text


def test_input_pictures_are_small_and_various(rows):
    pictures = {image for row in rows for image in row.images}
    assert len(pictures) >= 12
    assert max(map(len, pictures)) < 4096


def test_any_exact_count_can_be_planned():
    plan = Plan(cells=tuple(Cell(count=n, tools=("search",), rows=6) for n in (5, 10, 17)))
    made = list(generate(plan))
    assert Counter(r.image_count for r in made) == {5: 6, 10: 6, 17: 6}
    assert len(validate(made).kept) >= 15


def test_running_out_of_prompts_is_said(monkeypatch):
    monkeypatch.setattr("llmi_data.offline.composer._LONGEST", 3)
    with pytest.raises(PlanError, match="ran out of new prompts for -1 pictures with no tool: plan fewer"):
        list(generate(Plan(cells=(Cell(count=-1, rows=1),))))


def _words(text):
    words = re.findall(r"\w+", re.sub(r"\b\d{2,}\b", "#", text.lower()))
    return {*words, *(f"{a} {b}" for a, b in itertools.pairwise(words))}


def _naive_bayes(train, test, label):
    """Share of test rows labelled right by word and word-pair counts of the training rows."""
    seen, size = defaultdict(Counter), Counter()
    for row in train:
        size[label(row)] += 1
        seen[label(row)].update(_words(row.text))
    known = set().union(*seen.values())

    def score(value, words):
        return math.log(size[value]) + sum(math.log((seen[value][w] + 0.5) / (size[value] + 1)) for w in words)

    hits = (max(size, key=lambda v: score(v, _words(row.text) & known)) == label(row) for row in test)
    return sum(hits) / len(test)


def test_what_the_training_side_teaches_holds_on_the_other():
    """Counting words is enough to tell counts and tools of families and wordings never seen: the cues carry over."""
    kept = validate(generate(Plan.demo(rows=900, seed=0, test_share=0.25))).kept
    train = [row for row in kept if row.provenance.side == "train"]
    test = [row for row in kept if row.provenance.side == "test"]
    assert _naive_bayes(train, test, lambda row: row.image_count) > 0.8
    for tool in NEEDS:
        assert _naive_bayes(train, test, lambda row, tool=tool: tool in row.required_tools) > 0.88, tool

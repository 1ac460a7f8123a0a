import io
import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from llmi_data import Message, Origin, Row, Verdict
from llmi_data.curation import CurationSettings, curate
from llmi_data.curation.likeness import Likeness
from llmi_data.curation.neighbours import BANDS, MinHashIndex
from llmi_data.curation.prints import Prints
from llmi_data.curation.words import grams, masked, subject, words
from llmi_data.errors import CurationError

BOTH = pytest.mark.parametrize(
    "settings", [CurationSettings(), CurationSettings(exact_up_to=0)], ids=["exact", "minhash"]
)

TEXT = (
    "Write a friendly page for weekend travellers about the old lighthouse and tell them who lit its lamp each night. "
    "Readers should see what it really looks like from the harbour wall. Use exactly two pictures."
)


def row(text, **fields):
    return Row(
        prompt=(Message(role="user", content=text),), **{"image_count": 2, "required_tools": ("search",)} | fields
    )


def picture(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(buffer, "PNG")
    return buffer.getvalue()


def about(topic, side="train", family="travel"):
    return Origin(generator="hand", seed=0, side=side, family=family, topic=topic)


def reasons(curated):
    return [removed.decision.reason for removed in curated.removed]


def test_words_of_any_script():
    assert words("The OLD Lighthouse, twice: ﬁne!") == ["the", "old", "lighthouse", "twice", "fine"]
    assert words("画两张图 now") == ["画", "两", "张", "图", "now"]
    assert grams(["a", "b", "c"], 2) == ["a b", "b c"]
    assert grams(["a", "b"], 3) == ["a b"]
    assert masked("12 of 7") == "0 of 0"
    assert subject("The old lighthouse") == subject("old lighthouse")


@BOTH
def test_equal_but_for_case_and_signs(settings):
    curated = curate([row(TEXT), row(TEXT.upper().replace(".", " !"))], settings)
    assert reasons(curated) == ["exact duplicate"]
    decision = curated.removed[0].decision
    assert decision.partner == curated.kept[0].id == decision.cluster
    assert decision.score == 1
    assert curated.report.clusters == 1


@BOTH
def test_two_words_of_thirty_changed(settings):
    near = row(TEXT.replace("friendly", "cheerful").replace("harbour", "garden"))
    curated = curate([row(TEXT), near, row("Something altogether different, please, in few words.")], settings)
    assert reasons(curated) == ["near duplicate"]
    assert curated.removed[0].row == near
    assert 0.64 <= curated.removed[0].decision.score < 1
    assert f"row {curated.kept[0].id}" in curated.removed[0].decision.detail


@BOTH
def test_other_labels_are_another_task_but_one_cluster(settings):
    """ "exactly two" and "exactly three" are close in words and far apart in what is wanted."""
    other = row(TEXT.replace("two", "three"), image_count=3)
    curated = curate([row(TEXT), other], settings)
    assert not curated.removed
    assert len(set(curated.clusters.values())) == 1
    assert curated.report.largest_cluster == 2


def test_the_same_question_with_other_labels_goes_all_the_same():
    """One of the two labels is wrong, whichever; the better row stays."""
    assert reasons(curate([row(TEXT), row(TEXT, image_count=3)])) == ["exact duplicate"]


@BOTH
def test_what_only_figures_tell_apart_stays(settings):
    chart = (
        "Sales were 120 in spring, 340 in summer and 90 in autumn; let the reader see how they changed over the year."
    )
    curated = curate([row(chart), row(chart.replace("340", "255"))], settings)
    assert not curated.removed


@BOTH
def test_two_topics_are_two_rows_and_an_article_makes_no_topic(settings):
    bridge = row(TEXT.replace("old lighthouse", "stone bridge"), provenance=about("the stone bridge"))
    lighthouse = row(TEXT, provenance=about("the old lighthouse"))
    again = row(TEXT.replace("friendly", "cheerful"), provenance=about("old lighthouse"))
    curated = curate([lighthouse, bridge, again], settings)
    assert [removed.row for removed in curated.removed] == [again]


def test_other_pictures_make_another_row():
    rows = [row(TEXT, images=(picture("red"),)), row(TEXT, images=(picture("blue"),))]
    assert not curate(rows).removed
    assert reasons(curate([*rows, row(TEXT.lower(), images=(picture("red"),))])) == ["exact duplicate"]


def test_the_better_row_stays_wherever_it_stands():
    def judged(agrees):
        return Verdict(image_count=2, required_tools=("search",), reader="r", agrees=agrees)

    doubted = row(TEXT.replace("friendly", "cheerful"), verdict=judged(False))
    unread, agreed = row(TEXT), row(TEXT.replace("friendly", "kindly"), verdict=judged(True))
    curated = curate([doubted, unread, agreed])
    assert curated.kept == (agreed,)
    assert {removed.decision.partner for removed in curated.removed} == {agreed.id}
    last = curate([doubted, unread, agreed], prefer=lambda candidate: 0 if candidate is unread else 1)
    assert last.kept == (unread,)


@BOTH
def test_a_row_goes_only_for_one_that_stays_and_is_like_it(settings):
    """In a chain where each is near the next, the ends are not near each other: nothing goes for the chain's sake."""
    rng = random.Random(0)
    chain = [TEXT.split()]
    for _ in range(12):
        link = list(chain[-1])
        for place in rng.sample(range(len(link)), 4):
            link[place] = f"word{chr(97 + rng.randrange(26))}{chr(97 + rng.randrange(26))}"
        chain.append(link)
    rows = [row(" ".join(link)) for link in chain]
    curated = curate(rows, settings)
    kept = {r.id for r in curated.kept}
    assert 1 < len(kept) < len(rows)
    assert all(removed.decision.partner in kept for removed in curated.removed)
    assert all(removed.decision.score >= 0.64 for removed in curated.removed)
    assert curated.report.clusters >= 1


def test_exact_and_minhash_agree_on_planted_copies(rows):
    rng = random.Random(5)
    vocabulary = [word for r in rows for word in r.text.split() if word.isalpha()]
    base = curate(rows).kept[:300]
    copies = []
    for original in base:
        told = original.text.split()
        for place in rng.sample(range(len(told)), len(told) // 10):
            told[place] = rng.choice(vocabulary)
        copies.append(
            original.model_copy(
                update={"prompt": (Message(role="user", content=" ".join(told)),), "id": "c" + original.id}
            )
        )
    exactly = curate([*base, *copies], CurationSettings())
    hashed = curate([*base, *copies], CurationSettings(exact_up_to=0))
    assert exactly.kept == hashed.kept == base
    assert [r.decision.partner for r in exactly.removed] == [r.id for r in base]
    assert [r.decision for r in exactly.removed] == [r.decision for r in hashed.removed]


def test_signatures_collide_as_often_as_theory_says(rows):
    """A band of five is shared with probability score^5; a weak hash shows here first."""
    rng = random.Random(1)
    prints = Prints()
    copies = []
    for r in rows:
        told = r.text.split()
        for place in rng.sample(range(len(told)), len(told) // 8):
            told[place] = rng.choice(rng.choice(rows).text.split())
        copies.append(row(" ".join(told)))
    for r in (*rows, *copies):
        prints.add(r)
    likeness = Likeness(prints.table())
    n = len(rows)
    first, second = np.arange(n), np.arange(n, 2 * n)
    scores = likeness.scores(second, first)
    bands = MinHashIndex(likeness, 0.64)._bands(np.arange(2 * n))
    shared = (bands[:, :n] == bands[:, n:]).mean()
    assert bands.shape == (BANDS, 2 * n)
    assert shared == pytest.approx(float((scores**5).mean()), abs=0.03)


@given(st.lists(st.text(alphabet="ab cd", max_size=12), min_size=1, max_size=12), st.booleans())
def test_any_texts_empty_ones_too(texts, exact):
    settings = CurationSettings(exact_up_to=100 if exact else 0)
    rows = [row(text) for text in texts]
    curated = curate(rows, settings)
    assert len(curated.kept) + len(curated.removed) == len(rows)
    assert curated.report.kept == len(curated.kept) >= 1
    assert [r.decision.number for r in curated.removed] == sorted(r.decision.number for r in curated.removed)


def test_nothing_in_nothing_out():
    curated = curate([])
    assert curated.kept == ()
    assert curated.report.model_dump(include={"rows", "kept", "removed", "clusters", "largest_cluster"}) == {
        "rows": 0, "kept": 0, "removed": {}, "clusters": 0, "largest_cluster": 0,
    }  # fmt: skip


def test_likeness_against_sets(rows):
    """The arrays' arithmetic against the definition, and all-pairs against pair by pair."""
    prints = Prints()
    for r in rows[:60]:
        prints.add(r)
    likeness = Likeness(prints.table())
    told = [set(words(r.text)) for r in rows[:60]]
    holders = {word: sum(word in t for t in told) for word in set().union(*told)}
    weight = {word: 1 + np.log(61 / (found + 1)) / 2 for word, found in holders.items()}
    total = lambda found: sum(weight[word] for word in found)  # noqa: E731
    for second, scores in likeness.against_earlier(range(60)):
        for first, score in enumerate(scores):
            wanted = total(told[first] & told[second]) / total(told[first] | told[second])
            assert score == pytest.approx(wanted, abs=1e-5)
        pairwise = likeness.scores(np.full(second, second), np.arange(second))
        assert pairwise == pytest.approx(scores, abs=1e-5)


def _letters(texts):
    """An embedding for tests: how often each letter occurs."""
    return np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float)


def test_the_same_meaning_in_other_words():
    first = row("Silent listen tinsel about the enlist and inlets of the coast")
    anagram = row("tinsel Listen silent the about coast of inlets the and enlist"[::-1])
    other_task = row("enlist inlets silent about the tinsel and listen of the coats", image_count=3)
    far = row("Quick jumps vex dwarf zebra")
    curated = curate([first, anagram, far, other_task], CurationSettings(near=1.0), embed=_letters)
    assert reasons(curated) == ["same meaning"]
    assert curated.removed[0].row == anagram
    assert curated.removed[0].decision.partner == first.id
    assert curated.clusters[other_task.id] == curated.clusters[first.id] != curated.clusters[far.id]


def test_an_embedding_by_name(monkeypatch):
    settings = CurationSettings(near=1.0, embedding="some/model")
    rows = [row("Listen silent"), row("tinsel Enlist")]
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(CurationError, match=r"pip install 'llmi-data\[semantic\]'"):
        curate(rows, settings)

    class StaticModel:
        @staticmethod
        def from_pretrained(name):
            if name != "some/model":
                raise FileNotFoundError(name)
            return SimpleNamespace(encode=_letters)

    monkeypatch.setitem(sys.modules, "model2vec", SimpleNamespace(StaticModel=StaticModel))
    assert reasons(curate(rows, settings)) == ["same meaning"]
    with pytest.raises(CurationError, match="cannot load another"):
        curate(rows, CurationSettings(embedding="another"))


def test_an_embedding_that_answers_wrongly_is_named():
    with pytest.raises(CurationError, match="one row of finite numbers per text"):
        curate([row(TEXT)], embed=lambda texts: np.zeros(3))


def test_a_cluster_on_both_sides_loses_its_training_rows():
    held_out = row(TEXT, provenance=about("the pier", side="test"))
    train = row(TEXT.replace("two", "three"), image_count=3, provenance=about("the mill"))
    far = row("Draw me the growth of sales over these twelve months for our board", provenance=about("sales"))
    curated = curate([train, far, held_out])
    assert curated.kept == (far, held_out)
    assert reasons(curated) == ["straddles the split"]
    assert f"cluster of row {curated.removed[0].decision.cluster}" in curated.removed[0].decision.detail

"""Found by other words than the caption's own: synonyms, misspellings, and how often that works. Datasets."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from llmi_sandbox import LocalSearch, gallery
from llmi_sandbox.tools.search_index import CaptionIndex
from llmi_sandbox.tools.thesaurus import others, stem
from llmi_schema import ConfigurationError

PARAPHRASES: dict[str, list[str]] = json.loads((Path(__file__).parent / "paraphrases.json").read_text())


def recall(index: CaptionIndex) -> float:
    queries = [(name, query) for name, asked in PARAPHRASES.items() for query in asked]
    assert len(queries) == 100
    return sum(bool(hits := index.find(query, 1)) and hits[0].name.split()[0] == name for name, query in queries) / len(
        queries
    )


def test_recall_over_paraphrases():
    pictures = gallery()
    bare = [replace(picture, keywords="") for picture in pictures]
    assert recall(CaptionIndex(pictures)) >= 0.9
    assert recall(CaptionIndex(bare)) >= 0.65
    assert recall(CaptionIndex(bare, synonyms=False)) <= 0.1, "the queries do use other words"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("a pooch", "dog"),
        ("kitties", "cat"),
        ("hot air balloons", "balloon"),
        ("a steam engine", "locomotive"),
        ("lighthuose", "lighthouse"),
        ("telescop", "telescope"),
        ("volcanoe", "volcano"),
        ("elefant", "elephant"),
    ],
)
def test_synonyms_plurals_phrases_and_misspellings(query, name):
    assert LocalSearch(gallery()).find(query)[0].name.split()[0] == name


def test_the_words_themselves_count_more_than_their_synonyms():
    index = CaptionIndex([picture for picture in gallery() if picture.name.split()[0] in ("dog", "fox")])
    assert index.find("canine", 2)[0].name.startswith("dog"), "a keyword of the dog"
    assert index.find("fox", 2)[0].name.startswith("fox")


def test_what_is_nothing_at_all_finds_nothing():
    for query in ("", "the of a", "qzxv", "ab", '"', "captions:fox OR 1=1 --", "NEAR(", "*", "\x00"):
        assert not [hit for hit in CaptionIndex(gallery()).find(query, 5) if "fox" not in hit.name]


def test_stems_and_groups():
    pairs = {"foxes": "fox", "cherries": "cherry", "churches": "church", "bus": "bus", "glass": "glass", "dogs": "dog"}
    assert {word: stem(word) for word in pairs} == pairs
    assert "hound" in others(["dogs"])
    assert "dog" not in others(["dogs"])
    assert others(["antimony"]) == []


@pytest.fixture
def dataset():
    datasets = pytest.importorskip("datasets")
    pictures = [Image.effect_noise((64, 48), 60 + i).convert("RGB") for i in range(3)]
    rows = {
        "image": [*pictures, None],
        "text": [["a red kite"], ["a snail", "a slow animal with a shell"], [], ["a lost picture"]],
        "credit": ["Ann", "", None, "Bob"],
    }
    return datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())


async def test_a_dataset_in_memory(dataset, calls):
    search = LocalSearch.from_dataset(dataset, attribution="credit")
    result = await search(calls.search("a kite"), ())
    assert (result.picture.width, result.picture.height) == (64, 48)
    assert result.picture.provenance.attribution == "Ann"
    assert result.picture.provenance.licence is None
    assert (await search(calls.search("slow"), ())).ok
    assert (await search(calls.search("lost"), ())).reason == "no_result"


async def test_a_dataset_on_disk(dataset, calls, tmp_path):
    dataset.save_to_disk(str(tmp_path / "kites"))
    search = LocalSearch.from_dataset(str(tmp_path / "kites"))
    assert (await search(calls.search("kite"), ())).picture.provenance.provider == f"dataset {tmp_path / 'kites'}"
    assert search.identity == LocalSearch.from_dataset(str(tmp_path / "kites")).identity


def test_datasets_that_will_not_do(dataset, tmp_path):
    datasets = pytest.importorskip("datasets")
    with pytest.raises(ConfigurationError, match=r"no column 'caption'.*image, text, credit"):
        LocalSearch.from_dataset(dataset, caption="caption")
    with pytest.raises(ConfigurationError, match="'credit' holds no pictures"):
        LocalSearch.from_dataset(dataset, image="credit")
    with pytest.raises(ConfigurationError, match="no split 'test': it has train"):
        LocalSearch.from_dataset(datasets.DatasetDict(train=dataset), split="test")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        LocalSearch.from_dataset(str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="no row"):
        LocalSearch.from_dataset(dataset.select([2]))

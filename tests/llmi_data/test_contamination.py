import base64
import io
import json
import random

import pytest
from PIL import Image, ImageDraw

from llmi_data import Message, Row
from llmi_data.curation import Benchmark, BenchmarkFile, CurationSettings, Item, curate, read_benchmark
from llmi_data.curation.pictures import Album, look, views
from llmi_data.errors import CurationError

QUESTION = (
    "Describe how the tide mill at Woodbridge grinds its grain, and include one photograph of the great wheel together "
    "with a diagram of the sluice"
)
SOURCE = BenchmarkFile(name="IntBench", file="intbench.jsonl", revision="v1.2", split="test")


def row(text, images=()):
    return Row(prompt=(Message(role="user", content=text),), images=images, image_count=2)


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def scene(seed):
    """A picture with a structure of its own."""
    rng = random.Random(seed)
    image = Image.new("RGB", (320, 240), tuple(rng.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(25):
        x, y = rng.randrange(320), rng.randrange(240)
        pen.ellipse(
            (x, y, x + rng.randrange(20, 120), y + rng.randrange(20, 90)), tuple(rng.randrange(256) for _ in range(3))
        )
    return image


def found(text, images=(), item=None):
    benchmark = Benchmark(SOURCE, [item or Item("line 1", QUESTION), Item("line 2", "What is the capital of Peru?")])
    return curate([row(text, images)], benchmarks=[benchmark])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (QUESTION, "same text"),
        (QUESTION.upper() + "!!", "same text"),
        ("what is the capital of peru", "same text"),
        (
            f"My teacher asks: {QUESTION}. Please answer in the style of a sea shanty for children of ten.",
            "contained text",
        ),
        (QUESTION.replace("great", "big").replace("grinds", "mills"), "contained text"),
        (" ".join(word if n % 4 else "gone" for n, word in enumerate(QUESTION.split(), 1)), "similar text"),
    ],
)
def test_text_is_found_and_listed(text, kind):
    curated = found(text)
    assert [removed.decision.reason for removed in curated.removed] == ["contaminated"]
    (hit,) = curated.hits
    assert (hit.row, hit.kind) == (curated.removed[0].row.id, kind)
    assert (hit.benchmark, hit.file, hit.revision, hit.split) == ("IntBench", "intbench.jsonl", "v1.2", "test")
    assert 0.6 <= hit.score <= 1
    assert hit.item in curated.removed[0].decision.detail
    (check,) = curated.report.benchmarks
    assert check.model_dump() == {
        "name": "IntBench", "file": "intbench.jsonl", "revision": "v1.2", "split": "test",
        "questions": 2, "pictures": 0, "hits": 1, "rows": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Describe how a windmill in Kent is kept turning, with one photograph of its sails and a plan of the gears",
        "Include one photograph of the great hall",
        "the of and one how",
        "...",
    ],
)
def test_what_shares_a_phrase_is_not_contaminated(text):
    curated = found(text)
    assert not curated.hits
    assert curated.report.kept == 1


HANDLED = {
    "as it is": lambda image: image,
    "as RGBA": lambda image: image.convert("RGBA"),
    "resized": lambda image: image.resize((150, 110)),
    "cropped": lambda image: image.crop((18, 5, 310, 225)),
    "cropped and resized": lambda image: image.crop((0, 20, 300, 240)).resize((200, 150)),
}


@pytest.mark.parametrize("handling", [*HANDLED, "re-encoded"])
def test_pictures_are_found_however_they_were_handled(handling):
    item = Item("line 7", "", tuple(png(scene(seed)) for seed in (1, 2, 3)))
    if handling == "re-encoded":
        buffer = io.BytesIO()
        scene(2).save(buffer, "JPEG", quality=35)
        image = Image.open(buffer)
    else:
        image = HANDLED[handling](scene(2))
    (hit,) = found("Make it look like evening", (png(image),), item).hits
    assert hit.kind == ("same picture" if handling.startswith("as ") else "similar picture")
    assert hit.item == "line 7"
    assert hit.found == "picture 0 of the row is picture 1 of the question"


def test_other_pictures_are_not_found():
    benchmark = Benchmark(SOURCE, [Item("line 7", "", tuple(png(scene(seed)) for seed in range(10)))])
    rows = [row(f"Make number {seed} look like evening", (png(scene(seed)),)) for seed in range(10, 25)]
    assert not curate(rows, benchmarks=[benchmark]).hits


def test_a_blank_picture_is_like_no_other():
    blank, grey = (png(Image.new("RGB", (40, 40), colour)) for colour in ("white", "grey"))
    album = Album([views(blank)])
    assert album.nearest(look(blank)) == (0, 1.0, True)
    assert album.nearest(look(grey))[1] < 0.5
    assert Album([]).nearest(look(grey)) is None


def test_a_picture_that_cannot_be_decoded_costs_its_row():
    broken = row("Sharpen it", (b"\x89PNG\r\n\x1a\nnothing",))
    fine = row("Sharpen this one, which shows the harbour", (png(scene(1)),))
    curated = curate([broken, fine])
    assert curated.kept == (fine,)
    assert curated.removed[0].decision.reason == "unreadable picture"
    assert "replace the picture" in curated.removed[0].decision.detail


def test_a_benchmark_from_a_file(tmp_path):
    lines = [
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]},
        {"question": "Repaint it", "image": {"bytes": base64.b64encode(png(scene(4))).decode()}},
    ]
    path = tmp_path / "bench.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    items = read_benchmark(BenchmarkFile(name="b", file=path, revision="1", split="test"))
    assert [item.text for item in items] == [QUESTION, "Repaint it"]
    assert [len(item.pictures) for item in items] == [0, 1]
    settings = tmp_path / "curate.yaml"
    settings.write_text("near: 0.7\nbenchmarks:\n  - {name: b, file: bench.jsonl, revision: '1', split: test}\n")
    curated = curate([row(QUESTION), row("Warm it up", (png(scene(4)),))], CurationSettings.from_yaml(settings))
    assert [hit.kind for hit in curated.hits] == ["same text", "same picture"]
    assert not curated.kept


def test_of_a_saved_dataset_the_named_split(tmp_path):
    from datasets import Dataset, DatasetDict

    splits = {name: Dataset.from_dict({"question": [f"{name} question"]}) for name in ("dev", "test")}
    DatasetDict(splits).save_to_disk(str(tmp_path / "bench"))
    source = BenchmarkFile(name="b", file=tmp_path / "bench", revision="1", split="test")
    assert [item.text for item in read_benchmark(source)] == ["test question"]
    with pytest.raises(CurationError, match="nothing of this split"):
        read_benchmark(source.model_copy(update={"split": "train"}))


def test_a_check_against_nothing_does_not_pass_for_a_clean_one(tmp_path):
    path = tmp_path / "bench.jsonl"
    source = BenchmarkFile(name="b", file=path, revision="1", split="test")
    with pytest.raises(CurationError, match="cannot read"):
        read_benchmark(source)
    path.write_text("")
    with pytest.raises(CurationError, match="nothing of this split in this file"):
        read_benchmark(source)
    path.write_text('{"problem": "p", "answer": 4}\n')
    with pytest.raises(
        CurationError, match=r"line 1 has neither text nor pictures in its columns problem, answer: say"
    ):
        read_benchmark(source)
    assert read_benchmark(source.model_copy(update={"text": "problem"}))[0].text == "p"
    with pytest.raises(CurationError, match="no column 'prob'; the columns are problem, answer"):
        read_benchmark(source.model_copy(update={"text": "prob"}))
    path.write_text('{"question": "q", "image": "https://example.org/a.png"}\n')
    with pytest.raises(CurationError, match=r"line 1: image\[0\] is a link"):
        read_benchmark(source)


def test_settings_say_what_is_wrong_with_them(tmp_path):
    path = tmp_path / "curate.yaml"
    path.write_text("nearness: 0.7\n")
    with pytest.raises(CurationError, match=r"curate\.yaml: nearness: there is no such setting"):
        CurationSettings.from_yaml(path)
    path.write_text("")
    assert CurationSettings.from_yaml(path) == CurationSettings()

"""`LocalSearch` and the offline gallery."""

import json
import time

import pytest
from PIL import Image

from llmi_sandbox import LocalSearch, decode, gallery, is_blank, write_gallery
from llmi_sandbox.tools.drawing.catalogue import MOTIFS
from llmi_sandbox.tools.gallery import ATTRIBUTION
from llmi_schema import ConfigurationError

PARAPHRASES = {
    "barn owl at night": "owl",
    "a vixen in winter": "fox",
    "kitten": "cat",
    "puppy playing": "dog",
    "African savanna elephants": "elephant",
    "emperor penguins in Antarctica": "penguin",
    "monarch butterflies": "butterfly",
    "tropical fish on a reef": "clownfish",
    "humpback whales of the ocean": "whale",
    "a beacon for ships on the coast": "lighthouse",
    "Golden Gate suspension bridges": "bridge",
    "medieval fortress": "castle",
    "mills of the Netherlands": "windmill",
    "lava eruption": "volcano",
    "the pyramids of Giza": "pyramids",
    "Paris landmark Eiffel": "tower",
    "farmers market with vegetables": "market",
    "alpine lake reflection": "lake",
    "Manhattan skyscrapers": "skyline",
    "wooden chalet in the snow": "cabin",
    "Niagara waterfalls": "waterfall",
    "old streetcar in Lisbon": "tram",
    "steam train": "locomotive",
    "yacht on the sea": "sailing_boat",
    "bike for commuting": "bicycle",
    "hot air balloons over Cappadocia": "balloon",
    "Apollo rocket launch": "rocket",
    "passenger airplane": "aeroplane",
    "classic automobile": "car",
    "fresh fruit: red apples": "apple",
    "sourdough loaf from a bakery": "bread",
    "pizza margherita": "pizza",
    "cappuccino in a cafe": "coffee",
    "birthday party dessert": "cake",
    "Japanese nigiri rolls": "sushi",
    "classical guitarist's acoustic guitar": "guitar",
    "fiddle": "violin",
    "Chopin concert grand piano": "piano",
    "snare drums": "drum",
    "Galileo's telescopes": "telescope",
    "microscope in a biology lab": "microscope",
    "world map globe": "globe",
    "reading books in the library": "books",
    "planets orbiting the sun": "solar_system",
    "sunflowers by Van Gogh": "sunflower",
    "succulents and cacti": "cactus",
    "tulip bouquet": "tulips",
    "fly agaric fungus": "mushroom",
    "tropical island with coconut palms": "palm",
    "oak trees": "oak",
}


@pytest.fixture
def search() -> LocalSearch:
    return LocalSearch(gallery((96, 72)), provider="offline gallery")


def write_folder(folder, rows, pictures):
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")


def test_other_words_than_the_captions_find_the_picture(search):
    assert set(PARAPHRASES.values()) == {motif.name for motif in MOTIFS}
    missed = {q: found[0].name if (found := search.find(q)) else None for q, name in PARAPHRASES.items()}
    missed = {q: got for q, got in missed.items() if got is None or got.split()[0] != PARAPHRASES[q]}
    assert len(missed) <= 0.06 * len(PARAPHRASES), missed


async def test_a_found_picture_carries_where_it_comes_from(search, calls):
    picture = (await search(calls.search("Eiffel tower"), ())).picture
    assert picture.provenance.tool == "search"
    assert picture.provenance.provider == "offline gallery"
    assert picture.provenance.request == "Eiffel tower"
    assert picture.provenance.licence == "CC0-1.0"
    assert ATTRIBUTION in picture.provenance.attribution


@pytest.mark.parametrize(
    "query", ["quantum chromodynamics", "", "   ", "a picture of the", "«»", '" OR *', "🦊", "日本語"]
)
async def test_nothing_found_is_said_so(search, calls, query):
    result = await search(calls.search(query), ())
    assert result.reason == "no_result"
    assert "offline gallery" in result.message


@pytest.mark.parametrize(
    "query", ['fox" OR "x', "fox NEAR(", "fox*", "caption:fox", "{fox}", "-fox", "fox AND", "fox'; DROP TABLE captions"]
)
async def test_search_operators_are_words(search, calls, query):
    assert (await search(calls.search(query), ())).ok
    assert (await search(calls.search("red fox"), ())).ok


async def test_another_tools_call_is_refused(search, calls):
    assert (await search(calls.diffusion("x"), ())).reason == "unavailable"


def test_the_gallery_is_quick_honest_and_has_no_two_alike():
    started = time.process_time()
    images = [found.load() for found in gallery()]
    assert time.process_time() - started < 6  # about a second on one core
    assert not any(is_blank(image) for image in images)
    assert len({image.tobytes() for image in images}) == len(images) >= 40
    assert all(ATTRIBUTION in found.attribution for found in gallery())


def test_a_gallery_drawing_is_always_the_same():
    first, second = (next(f for f in gallery() if f.name.startswith("owl")).load() for _ in range(2))
    assert first.tobytes() == second.tobytes()


async def test_a_written_gallery_is_a_folder_to_search(tmp_path, calls):
    folder = write_gallery(tmp_path / "gallery", (96, 72))
    search = LocalSearch.from_folder(folder)
    picture = (await search(calls.search("steam locomotive"), ())).picture
    assert picture.provenance.provider == "local folder gallery"
    assert picture.provenance.licence == "CC0-1.0"
    in_memory = next(f for f in gallery((96, 72)) if f.name.startswith("locomotive"))
    assert decode(picture.png).tobytes() == in_memory.load().tobytes()


async def test_a_bad_row_costs_no_other(tmp_path, calls, make_picture, caplog):
    outside = tmp_path / "secret.png"
    outside.write_bytes(make_picture("red").png)
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_folder(
        folder,
        [
            {"file_name": "a.png", "text": "a green square", "license": "MIT", "score": 0.9},
            "{broken",
            {"caption": "no file name"},
            {"file_name": "missing.png", "caption": "a missing square"},
            {"file_name": "../secret.png", "caption": "a secret square"},
            {"file_name": "x" * 5000, "caption": "a name too long"},
            {"file_name": "null\0byte", "caption": "a name that cannot be"},
            "",
            {"file_name": "b.png", "caption": "a blue circle", "source_url": "https://example.org/b"},
        ],
        {"a.png": make_picture("green").png, "b.png": make_picture("blue").png},
    )
    search = LocalSearch.from_folder(folder)
    assert (await search(calls.search("green"), ())).picture.provenance.licence == "MIT"
    assert (await search(calls.search("blue circles"), ())).picture.provenance.source_url == "https://example.org/b"
    assert (await search(calls.search("secret"), ())).reason == "no_result"
    for line in (2, 3, 4, 5, 6, 7):
        assert f"line {line}:" in caplog.text


async def test_an_unreadable_picture_gives_way_to_the_next_best(tmp_path, calls, make_picture):
    write_folder(
        tmp_path,
        [
            {"file_name": "best.png", "caption": "red fox"},
            {"file_name": "next.png", "caption": "a fox among many other animals of the wood"},
        ],
        {"best.png": b"not a picture", "next.png": make_picture("red").png},
    )
    search = LocalSearch.from_folder(tmp_path)
    assert search.find("red fox")[0].caption == "red fox"
    assert (await search(calls.search("red fox"), ())).ok
    (tmp_path / "next.png").write_bytes(b"gone too")
    result = await LocalSearch.from_folder(tmp_path)(calls.search("red fox"), ())
    assert result.reason == "no_result"
    assert "none can be shown" in result.message


async def test_captions_beside_the_pictures(tmp_path, calls, make_picture):
    (tmp_path / "x.png").write_bytes(make_picture("red").png)
    (tmp_path / "x.txt").write_text("Ein roter Würfel\n", encoding="utf-8")
    (tmp_path / "uncaptioned.png").write_bytes(make_picture("blue").png)
    search = LocalSearch.from_folder(tmp_path)
    assert (await search(calls.search("wurfel"), ())).ok, "accents do not matter"


def test_the_identity_changes_with_the_folder(tmp_path, make_picture):
    write_folder(tmp_path, [{"file_name": "a.png", "caption": "one"}], {"a.png": make_picture("red").png})
    before = LocalSearch.from_folder(tmp_path).identity
    assert LocalSearch.from_folder(tmp_path).identity == before
    write_folder(tmp_path, [{"file_name": "a.png", "caption": "two"}], {})
    assert LocalSearch.from_folder(tmp_path).identity != before


def test_a_folder_without_captions_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no captioned picture"):
        LocalSearch.from_folder(tmp_path)
    with pytest.raises(ConfigurationError, match="is no folder"):
        LocalSearch.from_folder(tmp_path / "nowhere")


def test_a_caption_may_hold_any_line_break_and_the_file_a_byte_order_mark(tmp_path, make_picture):
    (tmp_path / "a.png").write_bytes(make_picture("red").png)
    row = json.dumps({"file_name": "a.png", "caption": "a fox\u2028a vixen\x85cubs"}, ensure_ascii=False)
    (tmp_path / "metadata.jsonl").write_text(f"{row}\r\n", encoding="utf-8-sig")
    assert LocalSearch.from_folder(tmp_path).find("cubs")[0].caption == "a fox\u2028a vixen\x85cubs"


def test_metadata_in_another_encoding_is_an_error_one_can_act_on(tmp_path):
    (tmp_path / "metadata.jsonl").write_bytes('{"file_name": "a.png", "caption": "Füchse"}'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        LocalSearch.from_folder(tmp_path)


async def test_a_blank_picture_is_passed_over(tmp_path, calls):
    for name, colours in (("a", ("white", "white")), ("b", ("white", "red"))):
        image = Image.new("RGB", (64, 48), colours[0])
        image.paste(colours[1], (8, 8, 40, 40))
        image.save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text("a red fox")
    search = LocalSearch.from_folder(tmp_path)
    assert not is_blank(decode((await search(calls.search("fox"), ())).picture.png))
    (tmp_path / "b.png").unlink()
    (tmp_path / "b.txt").unlink()
    assert (await LocalSearch.from_folder(tmp_path)(calls.search("fox"), ())).reason == "no_result"

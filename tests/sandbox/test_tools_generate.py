"""`OfflineGenerator`: a picture for every prompt, always the same, never the same as another's."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageStat

from llmi_sandbox import OfflineGenerator, decode, is_blank
from llmi_sandbox.tools.drawing.catalogue import MOTIFS
from llmi_sandbox.tools.drawing.places import LIGHTS, PLACES
from llmi_sandbox.tools.drawing.scenes import _LIGHT_WORDS, _PLACE_WORDS, _named, draw_scene
from llmi_schema import ConfigurationError

PROMPTS = [
    "an owl in a snowy forest at night",
    "a concept of hope",
    "the future of education",
    "the future of medicine",
    "a watercolour painting of the sea",
    "a pixel art castle",
    "an ink drawing of a bridge",
    "a minimalist poster of a foggy forest",
    "an astronaut on a distant planet",
    "a coral reef",
    "a whale and a sailing boat at sea",
    "日本の春",
    "🦊🦊🦊",
    "x",
    "a storm over the desert",
]


async def test_the_same_prompt_has_the_same_picture_and_others_have_others(calls):
    generator = OfflineGenerator(size=(160, 120))
    first = [(await generator(calls.diffusion(p), ())).picture for p in PROMPTS]
    second = [(await OfflineGenerator(size=(160, 120))(calls.diffusion(p), ())).picture for p in PROMPTS]
    assert [p.sha256 for p in first] == [p.sha256 for p in second]
    assert len({p.sha256 for p in first}) == len(PROMPTS)
    assert not any(is_blank(decode(p.png)) for p in first)


async def test_the_provenance_says_what_it_is(calls):
    provenance = (await OfflineGenerator()(calls.diffusion("a fox"), ())).picture.provenance
    assert (provenance.tool, provenance.request) == ("diffusion", "a fox")
    assert "stand-in" in provenance.provider
    assert "no model" in provenance.provider


@pytest.mark.parametrize("size", [(320, 240), (64, 200), (200, 64), (32, 32)])
async def test_any_size_and_shape(calls, size):
    picture = (await OfflineGenerator(size=size)(calls.diffusion("a fox and an owl by the sea at night"), ())).picture
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize("size", [(0, 100), (31, 100), (100, 4096)])
def test_impossible_sizes_are_errors(size):
    with pytest.raises(ConfigurationError, match="sides from 32 to 2048"):
        OfflineGenerator(size=size)


async def test_an_empty_prompt_is_a_bad_call(calls):
    assert (await OfflineGenerator()(calls.diffusion("  "), ())).reason == "bad_call"
    assert (await OfflineGenerator()(calls.search("x"), ())).reason == "unavailable"


def brightness(prompt: str) -> float:
    return ImageStat.Stat(draw_scene(prompt, (96, 72)).convert("L")).mean[0]


def test_words_are_heeded():
    assert brightness("a forest at night") < brightness("a forest on a sunny day") - 30
    grey = draw_scene("a charcoal sketch of mountains", (96, 72))
    assert all(band.getextrema() == grey.split()[0].getextrema() for band in grey.split())
    assert [m.name for m in _named("a castle, an owl, some mushrooms and a fox")] == ["castle", "owl", "mushroom"]
    assert _named("owlish foxglove") == []
    with_fox, without = (draw_scene(p, (96, 72)) for p in ("a fox in the snow", "a walk in the snow"))
    orange = [
        sum(r > 190 and 70 < g < 150 and b < 90 for r, g, b in zip(*[iter(image.tobytes())] * 3, strict=True))
        for image in (with_fox, without)
    ]
    assert orange[0] > 100 > orange[1]


def test_every_word_list_names_a_place_or_light_that_exists():
    assert set(_PLACE_WORDS) == set(PLACES)
    assert set(_LIGHT_WORDS) == set(LIGHTS)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("light", LIGHTS)
def test_every_place_in_every_light(place, light):
    word = {"underwater": "reef", "garden": "meadow", "mountains": "alps"}.get(place, place)
    image = draw_scene(f"{word} {light}", (64, 48))
    assert not is_blank(image)


@pytest.mark.parametrize("motif", [m for m in MOTIFS if m.pattern], ids=lambda m: m.name)
def test_every_motif_can_be_asked_for(motif):
    word = motif.name.replace("_", " ")
    asked = {"clownfish": "fish", "tower": "Eiffel tower", "sailing boat": "boat"}.get(word, word)
    assert motif in _named(f"a picture with the {asked.lower()} in it")


@settings(max_examples=25)
@given(st.text(min_size=1))
def test_any_text_is_drawn(prompt):
    assert not is_blank(draw_scene(prompt, (40, 30)))


async def test_pictures_are_quick_and_several_are_drawn_at_once(calls):
    generator = OfflineGenerator()
    started = time.process_time()
    results = await asyncio.gather(
        *(generator(calls.diffusion(f"a fox by the sea, number {i}"), ()) for i in range(10))
    )
    assert len({r.picture.sha256 for r in results}) == 10
    assert time.process_time() - started < 1.5  # about 0.2 s

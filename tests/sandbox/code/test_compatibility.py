"""Harmless snippets give the pixels a plain interpreter gives. Every run of the tests tries a sample of them."""

import io

import numpy as np
import pytest
import snippets
from PIL import Image

from llmi_sandbox.code import CodeSandbox, Limits

SNIPPETS = snippets.load()
SAMPLE = dict(list(SNIPPETS.items())[::8])


def differences(sandbox, chosen, folder):
    """Name -> what is different, for those snippets that the sandbox draws in another way."""
    expected = snippets.draw_plainly(list(chosen.values()), folder)
    found = {}
    for (name, plain), result in zip(
        zip(chosen, expected, strict=True), sandbox.run_many(chosen.values()), strict=True
    ):
        if not result.ok:
            found[name] = f"{result.kind}: {result.message}"
        elif problem := _unlike(plain, result.picture.png):
            found[name] = problem
    return found


def _unlike(plain, png):
    with Image.open(plain) as image:
        layer = image.convert("RGBA")
    flat = Image.new("RGB", layer.size, "white")
    flat.paste(layer, mask=layer.getchannel("A"))
    expected, drawn = np.asarray(flat), np.asarray(Image.open(io.BytesIO(png)))
    if expected.shape != drawn.shape:
        return f"{drawn.shape} instead of {expected.shape}"
    unequal = int((expected != drawn).any(axis=2).sum())
    return f"{unequal} pixels are different" if unequal else ""


def test_there_are_three_hundred_snippets_and_no_two_alike():
    assert len(SNIPPETS) >= 300
    assert len(set(SNIPPETS.values())) == len(SNIPPETS)


def test_a_sample_is_drawn_as_by_a_plain_interpreter(tier, tmp_path):
    with CodeSandbox(limits=Limits()) as sandbox:
        assert differences(sandbox, SAMPLE, tmp_path) == {}


@pytest.mark.slow
def test_all_are_drawn_as_by_a_plain_interpreter(tier, tmp_path):
    with CodeSandbox(limits=Limits()) as sandbox:
        assert differences(sandbox, SNIPPETS, tmp_path) == {}


@pytest.mark.slow
def test_in_tier_b_all_but_links_that_are_read(tier, tmp_path):
    """Reading where a link leads would tell of the host's files there."""
    with CodeSandbox(limits=Limits(), without=("namespaces",)) as sandbox:
        assert differences(sandbox, SNIPPETS, tmp_path).keys() == {"programs: links"}

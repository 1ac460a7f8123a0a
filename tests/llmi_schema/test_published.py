"""The published dialect: its reading rules and its validity rules, as the release has them."""

from __future__ import annotations

import warnings

import pytest
from pydantic import ValidationError

from llmi_schema import Picture, Provenance, RenderedDocument, ToolResult, parse
from llmi_schema.published import valid_tag

CODE = """{'source': 'code', 'description': 'a plot', 'params': {'code': 'plt.title('it's "on"')\nplt.plot([1])'}}"""
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1" + bytes(9)
EDIT = "{'source': 'edit', 'description': '', 'params': {'img_index': %s, 'prompt': 'p'}}"


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        ("{'source': 'search', 'description': 'd', 'params': {'query': 'q'}}", True),
        ('{"source": "search", "description": "d", "params": {"query": "q"}}', True),  # JSON of strings is Python too
        ("{'source': 'search', 'description': '', 'params': {'query': ''}}", True),
        ("{'source': 'search', 'description': 'd', 'params': {'prompt': 'q'}}", False),
        ("{'source': 'search', 'description': 'd', 'params': {'query': 1}}", False),
        ("{'source': 'search', 'description': 1, 'params': {'query': 'q'}}", False),
        ("{'source': 'search', 'params': {'query': 'q'}}", False),
        ("{'source': 'search', 'description': 'd', 'params': {'query': 'q'}, 'n': 1}", False),
        ("{'source': 'paint', 'description': 'd', 'params': {'query': 'q'}}", False),
        (CODE, True),
        (CODE.replace("'a plot'", "'a 'plot''"), False),
        ("{'source': 'code', 'description': 'd', 'params': {'code': 'x = \"a\"'}}", True),
        (EDIT % 0, True),
        (EDIT % 2, True),  # a picture that comes later
        (EDIT % 3, False),
        (EDIT % -1, False),
        (EDIT % "True", True),
        (EDIT % "'0'", False),
        (EDIT % "0.0", False),
        ("{", False),
        ("[" * 5000, False),
        ("{[]: 1}", False),
        ("{'source': ['code'], 'description': '', 'params': {}}", False),
        ("\x00", False),
        ("0x" + "f" * 400 + " + 1j", False),
        ("__import__('os')", False),
    ],
)
def test_valid_tag(body: str, valid: bool) -> None:
    assert valid_tag(body, tags=2, input_images=1) is valid


def test_parse_reads_the_dialect_when_asked() -> None:
    text = f"a <imgen>{CODE}</imgen> b <imgen>{EDIT % 0}</imgen>"
    assert not parse(text).calls
    document = parse(text, dialect="python")
    assert [call.source for call in document.calls] == ["code", "edit"]
    assert "it's" in document.calls[0].params.code
    assert str(document) == text
    assert parse(document.canonical()).calls == document.calls


def test_true_is_picture_one_but_edits_still_point_back() -> None:
    text = f"<imgen>{EDIT % 'True'}</imgen>"
    assert parse(text, input_images=2, dialect="python").calls[0].picture_index == 1
    assert "works on picture 1" in parse(text, input_images=1, dialect="python").bad_tags[0].reason


def test_reasons() -> None:
    (bad,) = parse("<imgen>{'source': 'code', x}</imgen>", dialect="python").bad_tags
    assert bad.reason.startswith("not a Python literal")
    assert bad.tool == "code"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("0x" + "f" * 400 + " + 1j", "not a Python literal"),
        (EDIT % ("0x" + "f" * 5000), "limit"),  # Python does not write such an integer out
        (r"{'source': 'search', 'description': '\ud800', 'params': {'query': 'q'}}", "half a surrogate pair"),
        ("{'source': 'code', 'description': '\udc00', 'params': {'code': 'x'}}", "half a surrogate pair"),
        ("{'source': 'search', 'description': '', 'params': {'query': 'q', 0x" + "f" * 5000 + ": 1}}", ""),
    ],
)
def test_no_literal_makes_parse_raise(body: str, reason: str) -> None:
    document = parse(f"<imgen>{body}</imgen>", dialect="python")
    assert reason in document.bad_tags[0].reason
    assert not document.calls


def test_a_rendered_document_is_read_back_in_its_own_dialect() -> None:
    document = parse(f"<imgen>{EDIT % 0}</imgen>", input_images=1, dialect="python")
    picture = Picture.from_png(PNG, Provenance(tool="input", provider="user"))
    rendered = RenderedDocument(document=document, results=(ToolResult.failed("timeout", ""),), inputs=(picture,))
    assert RenderedDocument.model_validate_json(rendered.model_dump_json()) == rendered


@pytest.mark.parametrize("document", [None, {}, {"text": "a"}, {"text": "a", "input_images": 0, "dialect": "yaml"}])
def test_json_that_holds_no_document_is_a_validation_error(document: object) -> None:
    with pytest.raises(ValidationError, match="a document is"):
        RenderedDocument.model_validate({"document": document, "results": ()})


def test_escapes_that_are_none_are_read_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = parse(
            r"<imgen>{'source': 'search', 'description': 'd', 'params': {'query': '\d'}}</imgen>", dialect="python"
        )
        (call,) = document.calls
    assert call.params.query == r"\d"

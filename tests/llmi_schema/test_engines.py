from __future__ import annotations

import json

import pytest

from llmi_schema import ConfigurationError, ImageCount, RowConstraint, document_grammar, probe, request_parameters

ROW = RowConstraint(ImageCount.exactly(1))


def test_grammars_go_where_each_server_reads_them() -> None:
    ebnf = document_grammar(ROW).ebnf
    assert request_parameters("vllm", ROW) == {"extra_body": {"structured_outputs": {"grammar": ebnf}}}
    assert request_parameters("sglang", ROW) == {"extra_body": {"ebnf": ebnf}}
    assert "::=" in ebnf  # without it vLLM would take the text for Lark


def test_a_strict_schema_for_the_rest() -> None:
    response_format = request_parameters("openai", ROW)["response_format"]
    assert response_format["json_schema"]["strict"] is True
    json.dumps(response_format)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "openai"])
def test_a_probe_tells_servers_apart(engine: str) -> None:
    question = probe(engine)  # type: ignore[arg-type]
    assert question.word in json.dumps(question.parameters)
    assert question.word not in json.dumps(question.messages)
    assert question.enforced(question.word if engine != "openai" else f'{{"answer": "{question.word}"}}')
    assert not question.enforced("The capital of France is Paris.")
    assert not question.enforced("")
    assert not question.enforced(f"You may want me to say {question.word}, but the answer is Paris.")
    assert probe(engine).word != question.word  # type: ignore[arg-type]


def test_the_probe_is_a_grammar_that_xgrammar_takes() -> None:
    xgrammar = pytest.importorskip("xgrammar")
    xgrammar.Grammar.from_ebnf(probe("vllm").parameters["extra_body"]["structured_outputs"]["grammar"])


def test_unknown_engines() -> None:
    with pytest.raises(ConfigurationError, match="is no engine"):
        request_parameters("ollama", ROW)  # type: ignore[arg-type]

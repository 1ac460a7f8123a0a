from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmi_data import MadeDataset
from llmi_schema import CodeCall, SearchCall


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_can_be_spelled(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_a_tag_is_a_handful_of_tokens(tokenizer: Any, made: MadeDataset) -> None:
    origin = made.train[0].provenance
    assert origin is not None
    assert origin.scenario is not None
    query = origin.scenario.queries[0]
    tag = SearchCall(description=query, params={"query": query}).to_tag()
    ids = tokenizer.encode(tag)
    assert tokenizer.decode(ids) == tag
    assert len(ids) < len(tag) / 6
    chart = CodeCall(description="sales", params={"code": "plt.bar(['a', 'b'], [1, 2])"}).to_tag()
    assert tokenizer.decode(tokenizer.encode(chart)) == chart


def test_the_chat_template_ends_turns_with_the_end_token(tokenizer: Any) -> None:
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False)
    assert text == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHo<|im_end|>\n"
    assert tokenizer.decode([tokenizer.eos_token_id]) == "<|im_end|>"


def test_saved_and_loaded_again_it_writes_the_same(base: Any, model: Any, tokenizer: Any) -> None:
    from llmi_train import Writer

    prompt = [[{"role": "user", "content": "Two pictures of a lighthouse"}]]
    here = Writer(model.eval(), tokenizer, max_new_tokens=12).complete(prompt)
    again = Writer.load(base, max_new_tokens=12).complete(prompt)
    assert here == again

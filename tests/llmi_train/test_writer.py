from __future__ import annotations

from typing import Any

import pytest

from llmi_data import MadeDataset
from llmi_reward import presets
from llmi_sandbox import Toolkit
from llmi_schema import ImageCount, parse
from llmi_train import Writer
from llmi_train.evaluate import evaluate


@pytest.fixture
def writer(model: Any, tokenizer: Any) -> Writer:
    return Writer(model.eval(), tokenizer, max_new_tokens=72, batch_size=3)


def test_answers_come_in_order_whatever_the_batches(writer: Writer, made: MadeDataset) -> None:
    prompts = [row.messages for row in made.test[:7]]
    seen: list[int] = []
    together = writer.complete(prompts, progress=seen.append)
    alone = [writer.complete([prompt])[0] for prompt in prompts]
    assert [c.text for c in together] == [c.text for c in alone]
    assert seen == [3, 6, 7]


def test_sampling_is_reproducible_for_a_seed(writer: Writer, made: MadeDataset) -> None:
    prompts = [row.messages for row in made.test[:3]]
    first, again, other = (writer.complete(prompts, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_an_untrained_model_writes_valid_documents_only_when_constrained(writer: Writer, made: MadeDataset) -> None:
    from llmi_schema import RowConstraint

    prompts = [row.messages for row in made.test[:6]]
    counts = [ImageCount.exactly(1), ImageCount.exactly(2), ImageCount.none(), ImageCount.any()] * 2
    rows = [RowConstraint(count) for count in counts[:6]]
    for completion, row in zip(writer.complete(prompts, temperature=1.5, seed=3, constraints=rows), rows, strict=True):
        document = parse(completion.text)
        assert completion.finished
        assert document.finished
        assert not document.bad_tags
        assert row.count.allows(len(document.calls))
    free = writer.complete(prompts, temperature=1.5, seed=3)
    assert not all(completion.finished for completion in free)


async def test_one_document_with_its_pictures(writer: Writer, toolkit: Toolkit) -> None:
    document = await writer.write("Anything with a picture of a fox", toolkit, seed=1, temperature=1.0)
    assert not document.document.bad_tags
    assert len(document.results) == len(document.document.tags)


def test_evaluation_counts_what_is_invalid(writer: Writer, made: MadeDataset, toolkit: Toolkit) -> None:
    found = evaluate(writer, made.test[:4], presets.rules(), toolkit)
    assert len(found.answers) == 4
    # an untrained model babbles to the limit: cut off, so the documents are invalid and score 0
    assert found.invalid == 4
    assert found.reward == 0
    assert found.satisfied["valid document"] == 0
    assert found.summary()["unscored"] == 0

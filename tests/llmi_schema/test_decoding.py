"""Constrained generation against adversaries: whatever the model wants, the row is a document, in time."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import pytest

from llmi_schema import (
    DEFAULT_LANGUAGE,
    ConfigurationError,
    ConstraintError,
    ImageCount,
    RowConstraint,
    Thought,
    document_grammar,
    parse,
)

torch = pytest.importorskip("torch")
pytest.importorskip("outlines")

from tests.llmi_schema.conftest import EXTRA  # noqa: E402

from llmi_schema import masks  # noqa: E402
from llmi_schema.decoding import DocumentProcessor  # noqa: E402
from llmi_schema.vocabulary import Recent  # noqa: E402

PROMPT = 3


def generate(processor: Any, rows: int, steps: int, wishes: Any, tokenizer: Any) -> list[str]:
    """Sample with random logits around `wishes`; the documents, after checking what no token may be."""
    ids = torch.full((rows, PROMPT), 5)
    for _ in range(steps):
        scores = processor(ids, torch.randn(rows, len(wishes), generator=GENERATOR) * 2 + wishes)
        ids = torch.cat([ids, torch.multinomial(scores.softmax(-1), 1, generator=GENERATOR)], 1)
    return [document_of(row, tokenizer) for row in ids[:, PROMPT:].tolist()]


def document_of(tokens: list[int], tokenizer: Any) -> str:
    assert tokenizer.eos_token_id in tokens, "the document was cut off"
    end = tokens.index(tokenizer.eos_token_id)
    assert set(tokens[end + 1 :]) <= {tokenizer.pad_token_id}
    assert not set(tokens[:end]) & set(tokenizer.all_special_ids)
    assert max(tokens, default=0) < len(tokenizer)
    text: str = tokenizer.decode(tokens[:end], clean_up_tokenization_spaces=False)
    return text


def check(text: str, row: RowConstraint) -> int:
    document = parse(text, row.input_images, row.language)
    assert document.finished
    assert not document.bad_tags
    assert not document.fenced
    assert document_grammar(row).accepts(text)  # no replacement for broken UTF-8 could hide: see the next line
    assert row.count.minimum <= len(document.calls) <= (row.count.maximum if row.count.maximum is not None else 10)
    assert row.required_tools <= {call.source for call in document.calls}
    return len(document.calls)


def random_row(rng: random.Random) -> RowConstraint:
    language = DEFAULT_LANGUAGE.only(*rng.sample(DEFAULT_LANGUAGE.tools, rng.randint(1, 4)))
    n = rng.randint(1, 4)
    counts = [ImageCount.none(), ImageCount.any(), ImageCount.at_least_one(), ImageCount.exactly(n)]
    required = rng.sample(language.tools, rng.randint(0, len(language.tools))) if rng.random() < 0.3 else []
    inputs, thinks = rng.choice([0, 0, 1, 3]), rng.random() < 0.2
    return RowConstraint(rng.choice(counts), inputs, language, frozenset(required), may_think=thinks)


def wishes_of(rng: random.Random, tokenizer: Any) -> Any:
    """A bias towards what breaks documents: marks, quotes, escapes, special tokens, rows beyond the tokenizer."""
    wishes = torch.zeros(len(tokenizer) + EXTRA)
    marks = [i for i, token in enumerate(tokenizer.convert_ids_to_tokens(range(len(tokenizer)))) if set(token) & MARKS]
    wishes[marks] = rng.choice([0.0, 2.0, 4.0, 6.0])
    wishes[tokenizer.all_special_ids] = 5.0
    wishes[len(tokenizer) :] = 5.0
    wishes[tokenizer.eos_token_id] = rng.choice([-5.0, 0.0, 6.0])
    return wishes


MARKS = set('<>"\\`~/{}\u0120Ã')
GENERATOR = torch.Generator().manual_seed(7)


XGRAMMAR = pytest.param(
    "xgrammar", marks=pytest.mark.skipif(version("xgrammar") in masks._BROKEN_XGRAMMAR, reason="refuses its own masks")
)


@pytest.mark.parametrize("backend", ["llguidance", XGRAMMAR])
def test_adversarial_sampling(tokenizer: Any, backend: Any) -> None:
    rng = random.Random(3)
    size = len(tokenizer) + EXTRA
    documents = tags = refused = 0
    while documents < 120:
        budget = rng.choice([30, 60, 120, 250])
        rows = []
        for row in (random_row(rng) for _ in range(12)):
            try:
                DocumentProcessor(tokenizer, size, [row], budget, backend=backend)
            except ConstraintError:
                refused += 1
            else:
                rows.append(row)
        if not rows:
            continue
        processor = DocumentProcessor(tokenizer, size, rows, budget, backend=backend)
        texts = generate(processor, len(rows), budget, wishes_of(rng, tokenizer), tokenizer)
        tags += sum(check(text, row) for text, row in zip(texts, rows, strict=True))
        documents += len(rows)
    assert tags > documents / 2
    assert refused


def test_a_broken_xgrammar_is_refused(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "version", lambda package: "0.2.7")
    with pytest.raises(ConfigurationError, match=r"xgrammar 0\.2\.7 refuses bytes .* backend='llguidance'"):
        DocumentProcessor(tokenizer, len(tokenizer), [RowConstraint()], 120, backend="xgrammar")


def test_every_budget_down_to_the_shortest_document(tokenizer: Any) -> None:
    row = RowConstraint(ImageCount.exactly(2), language=DEFAULT_LANGUAGE.only("search", "edit"))
    size = len(tokenizer) + EXTRA
    with pytest.raises(ConstraintError, match=r"row 0: the shortest document takes (\d+) tokens") as refusal:
        DocumentProcessor(tokenizer, size, [row], 2)
    least = int(str(refusal.value).split("takes ")[1].split()[0])
    eager = torch.zeros(size)
    eager[tokenizer.eos_token_id] = -20.0
    for budget in range(least, least + 40):
        (text,) = generate(DocumentProcessor(tokenizer, size, [row], budget), 1, budget, eager, tokenizer)
        assert check(text, row) == 2


@pytest.fixture(scope="module")
def model(tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer) + EXTRA,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config).eval()


def test_a_thought_comes_first_and_the_pictures_after_it(tokenizer: Any) -> None:
    row = RowConstraint(ImageCount.exactly(1), may_think=True)
    size = len(tokenizer) + EXTRA
    processor = DocumentProcessor(tokenizer, size, [row], 150)
    start = tokenizer.encode("<think>one <imgen>?")
    ids = torch.full((1, PROMPT), 5)
    for step in range(150):
        scores = processor(ids, torch.randn(1, size, generator=GENERATOR))
        token = start[step] if step < len(start) else int(scores.argmax())
        assert scores[0, token] > float("-inf")
        ids = torch.cat([ids, torch.tensor([[token]])], 1)
    text = document_of(ids[0, PROMPT:].tolist(), tokenizer)
    assert check(text, row) == 1
    assert isinstance(parse(text).segments[0], Thought)


class TestTransformers:
    ROWS = (
        RowConstraint(ImageCount.exactly(1)),
        RowConstraint(ImageCount.none()),
        RowConstraint(ImageCount.exactly(2), 1),
    )
    PROMPTS = ("Rain in Genoa, by month, please", "Hi", "Change this picture twice and show the steps")

    def test_left_padded_batch_with_one_constraint_per_row(self, model: Any, tokenizer: Any) -> None:
        from transformers import LogitsProcessorList

        batch = tokenizer(list(self.PROMPTS), padding=True, return_tensors="pt", return_token_type_ids=False)
        processor = DocumentProcessor(tokenizer, model.config.vocab_size, self.ROWS, 120)
        for samples in (1, 2):  # the second call is a new generation with the same processor
            output = model.generate(
                **batch,
                max_new_tokens=120,
                do_sample=True,
                num_return_sequences=samples,
                logits_processor=LogitsProcessorList([processor]),
            )
            new = output[:, batch["input_ids"].shape[1] :].tolist()
            texts = [document_of(tokens, tokenizer) for tokens in new]
            rows = [row for row in self.ROWS for _ in range(samples)]
            assert [check(text, row) for text, row in zip(texts, rows, strict=True)] == [
                n for n in (1, 0, 2) for _ in range(samples)
            ]

    def test_an_outlines_generator(self, model: Any, tokenizer: Any) -> None:
        import outlines

        processor = DocumentProcessor(tokenizer, model.config.vocab_size, self.ROWS, 120)
        generator = outlines.Generator(outlines.from_transformers(model, tokenizer), processor=processor)
        for _ in range(2):
            texts = generator.batch(list(self.PROMPTS), max_new_tokens=120)
            assert [check(text, row) for text, row in zip(texts, self.ROWS, strict=True)] == [1, 0, 2]

    def test_beams_are_refused(self, model: Any, tokenizer: Any) -> None:
        from transformers import LogitsProcessorList

        batch = tokenizer(["Hi there"], return_tensors="pt", return_token_type_ids=False)
        processor = DocumentProcessor(tokenizer, model.config.vocab_size, [RowConstraint()] * 1, 60)
        with pytest.raises(ConfigurationError, match="beam search"):
            model.generate(**batch, max_new_tokens=60, num_beams=4, logits_processor=LogitsProcessorList([processor]))


def test_what_is_remembered_may_be_shared_by_threads() -> None:
    """Reading and forgetting at once lost entries under a reader's hands before there was a lock."""
    recent: Recent[int, int] = Recent(8)

    def use(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(3_000):
            key = rng.randrange(24)
            assert recent.get(key) in (None, key)
            recent.put(key, key)

    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(use, range(4)))
    finally:
        sys.setswitchinterval(switching)


class TestMistakes:
    def test_a_row_that_leaves_the_constraint_ends_alone(self, tokenizer: Any) -> None:
        rows = [RowConstraint(ImageCount.none()), RowConstraint(ImageCount.exactly(1))]
        size = len(tokenizer) + EXTRA
        processor = DocumentProcessor(tokenizer, size, rows, 400)
        ids = torch.full((2, PROMPT), 5)
        processor(ids, torch.zeros(2, size))
        a = tokenizer.convert_tokens_to_ids("a")
        ids = torch.cat([ids, torch.tensor([[tokenizer.pad_token_id], [a]])], 1)
        scores = processor(ids, torch.zeros(2, size))
        assert scores[0].isfinite().nonzero().flatten().tolist() == [tokenizer.eos_token_id]
        assert scores[1].isfinite().sum() > 100

    def test_a_number_of_rows_that_does_not_fit(self, tokenizer: Any) -> None:
        size = len(tokenizer) + EXTRA
        processor = DocumentProcessor(tokenizer, size, [RowConstraint()] * 2, 60)
        with pytest.raises(ConfigurationError, match="3 rows are generated, but 2 constraints were given"):
            processor(torch.full((3, PROMPT), 5), torch.zeros(3, size))

    def test_logits_of_another_width(self, tokenizer: Any) -> None:
        processor = DocumentProcessor(tokenizer, len(tokenizer) + EXTRA, [RowConstraint()], 60)
        with pytest.raises(ConfigurationError, match="pass vocab_size="):
            processor(torch.full((1, PROMPT), 5), torch.zeros(1, len(tokenizer)))

    def test_a_model_with_fewer_tokens_than_the_tokenizer(self, tokenizer: Any) -> None:
        with pytest.raises(ConfigurationError, match="do not belong together"):
            DocumentProcessor(tokenizer, 100, [RowConstraint()], 60)

    def test_a_tokenizer_that_cannot_spell_a_tag(self) -> None:
        from tokenizers import Tokenizer, decoders, models
        from transformers import PreTrainedTokenizerFast

        raw = Tokenizer(models.BPE({"<|end|>": 0, "a": 1, "b": 2}, []))
        raw.decoder = decoders.ByteLevel()
        small = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>")
        assert DocumentProcessor(small, 3, [RowConstraint(ImageCount.none())], 8)
        with pytest.raises(ConstraintError, match="row 0: this tokenizer has no tokens that spell '<imgen>"):
            DocumentProcessor(small, 3, [RowConstraint(ImageCount.exactly(1))], 60)

    def test_a_tokenizer_that_cannot_be_read(self) -> None:
        from tokenizers import Tokenizer, models
        from transformers import PreTrainedTokenizerFast

        words = Tokenizer(models.WordLevel({"<|end|>": 0, "hello": 1}, unk_token="hello"))
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>")
        with pytest.raises(ConfigurationError, match="cannot read this tokenizer"):
            DocumentProcessor(tokenizer, 2, [RowConstraint()], 8)

    def test_no_end_token(self, tokenizer: Any) -> None:
        from transformers import PreTrainedTokenizerFast

        endless = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)
        with pytest.raises(ConfigurationError, match=r"set tokenizer\.eos_token"):
            DocumentProcessor(endless, len(tokenizer), [RowConstraint()], 8)

    def test_an_unknown_backend(self, tokenizer: Any) -> None:
        with pytest.raises(ConfigurationError, match="is no decoding backend"):
            DocumentProcessor(tokenizer, len(tokenizer), [RowConstraint()], 60, backend="regex")  # type: ignore[arg-type]

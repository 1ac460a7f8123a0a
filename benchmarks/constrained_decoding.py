"""What constrained decoding costs: compiling, finding a mask, one whole step, at a small and a large vocabulary.

    python benchmarks/constrained_decoding.py --out results.json

No model is needed: the tokens of a real document (prose, escapes, code) are fed step by step. The large vocabulary is a
byte-level BPE tokenizer trained on this repository's own files and widened with made-up merges of its frequent words.
`outlines_core`, the naive regex route, is measured at the small vocabulary only: its index takes minutes at the large.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmi_schema import CodeCall, CodeParams, ImageCount, RowConstraint, SearchCall, SearchParams, document_grammar

ROOT = Path(__file__).parents[1]
CODE = 'fig, ax = plt.subplots()\nax.bar(["Jan", "Feb"], [3 < 4, 2])\nax.set_title("Rain \\u2014 mm")\n'
PROSE = "Genoa has <b>two</b> harbours; the old one, `Porto Antico`, is built over a Roman quay.\nIt rains in autumn. "
DOCUMENT = (
    PROSE * 4
    + SearchCall(description="the old harbour", params=SearchParams(query="Porto Antico, Genoa")).to_tag()
    + PROSE * 3
    + CodeCall(description='rain by "month"', params=CodeParams(code=CODE * 5)).to_tag()
    + PROSE
    + SearchCall(description="a quay", params=SearchParams(query="Roman quay")).to_tag()
    + PROSE
)
ROW = RowConstraint(ImageCount.exactly(3))
STEP_SECONDS = 0.020
"""A model's time per token that overheads are compared with."""


def tokenizer_of(size: int) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=min(size, 6000),
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator((path.read_text() for path in sorted(ROOT.rglob("*.py"))), trainer)
    model = json.loads(raw.to_str())
    vocabulary, merges = model["model"]["vocab"], model["model"]["merges"]
    rng = random.Random(0)
    starts = [token for token in vocabulary if token.lstrip("\u0120").isalpha()]
    ends = [token for token in starts if token.isalpha() and token[0] != "\u0120"]
    while len(vocabulary) < size:
        first, second = rng.choice(starts), rng.choice(ends)
        if first + second not in vocabulary:
            vocabulary[first + second] = len(vocabulary)
            merges.append([first, second])
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(model)), eos_token="<|end|>")


def seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measure(tokenizer: Any, backend: Any) -> dict[str, float]:
    """One backend at one vocabulary; times in milliseconds (compile) and microseconds (mask, step)."""
    import torch

    from llmi_schema.decoding import DocumentProcessor
    from llmi_schema.masks import GrammarMasks
    from llmi_schema.vocabulary import vocabulary_of

    size = len(tokenizer)
    vocabulary = vocabulary_of(tokenizer, size)
    grammar = document_grammar(ROW)
    grammar.lark, grammar.ebnf  # noqa: B018 (written once, before the clock starts)
    compile_cold = seconds(lambda: GrammarMasks(grammar, vocabulary, tokenizer, backend))
    DocumentProcessor(tokenizer, size, [ROW], 4096, backend=backend)
    compile_cached = seconds(lambda: DocumentProcessor(tokenizer, size, [ROW], 4096, backend=backend))

    tokens = tokenizer.encode(DOCUMENT)
    engine = []
    matcher = GrammarMasks(grammar, vocabulary, tokenizer, backend).matcher()
    import numpy as np

    mask = np.zeros((size + 31) // 32, dtype=np.int32)
    for token in tokens:
        engine.append(seconds(lambda: matcher.fill(mask)))
        matcher.consume([token])
    steps: list[list[float]] = []
    for _ in range(3):
        processor = DocumentProcessor(tokenizer, size, [ROW], 4096, backend=backend)
        ids, logits = torch.tensor([[0]]), torch.zeros(1, size)
        taken = []
        for token in tokens:
            taken.append(seconds(lambda ids=ids, logits=logits, processor=processor: processor(ids, logits)))
            ids = torch.cat([ids, torch.tensor([[token]])], 1)
        steps.append(taken)
    return {
        "compile_cold_ms": compile_cold * 1e3,
        "compile_cached_ms": compile_cached * 1e3,
        "engine_mask_mean_us": statistics.mean(engine) * 1e6,
        "engine_mask_p99_us": sorted(engine)[int(len(engine) * 0.99)] * 1e6,
        "first_document_step_us": statistics.mean(steps[0]) * 1e6,
        "later_document_step_us": statistics.mean(steps[-1]) * 1e6,
        "overhead_at_20_ms_percent": statistics.mean(steps[-1]) / STEP_SECONDS * 100,
    }


def measure_regex(tokenizer: Any) -> dict[str, float]:
    """The naive route: one regular expression over a whole document, indexed by outlines_core.

    It takes no lookahead, so text here merely holds no `<`: a smaller language than ours.
    """
    from outlines_core import Index, Vocabulary

    string = r'"(?:[^"\\<\x00-\x1f]|\\["\\/bfnrt])*"'
    search = rf'\{{"source": "search", "description": {string}, "params": \{{"query": {string}\}}\}}'
    regex = rf"[^<]*(?:<imgen>{search}</imgen>[^<]*){{3}}"
    table: dict[bytes, list[int]] = {}
    from llmi_schema.vocabulary import vocabulary_of

    for i, text in enumerate(vocabulary_of(tokenizer, len(tokenizer)).bytes):
        if text:
            table.setdefault(text, []).append(i)
    vocabulary = Vocabulary(tokenizer.eos_token_id, table)
    return {"compile_cold_ms": seconds(lambda: Index(regex, vocabulary)) * 1e3}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[2_000, 150_000])
    arguments.add_argument("--out", type=Path, help="also write the results as JSON")
    options = arguments.parse_args()

    import torch

    torch.set_num_threads(1)
    results: list[dict[str, Any]] = []
    for size in options.sizes:
        tokenizer = tokenizer_of(size)
        logits = torch.zeros(1, size)
        free = statistics.mean(seconds(logits.clone) for _ in range(100)) * 1e6
        results.append({"tokens": size, "backend": "none (a copy of the logits)", "later_document_step_us": free})
        for backend in ("llguidance", "xgrammar"):
            results.append({"tokens": size, "backend": backend, **measure(tokenizer, backend)})  # noqa: PERF401
        if size <= 10_000:
            results.append({"tokens": size, "backend": "outlines_core regex", **measure_regex(tokenizer)})
    columns = list(dict.fromkeys(key for result in results for key in result))
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for result in results:
        cells = [result.get(column, "") for column in columns]
        print("| " + " | ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells) + " |")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

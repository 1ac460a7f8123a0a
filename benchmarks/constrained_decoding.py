"""What constrained decoding costs: compiling, finding a mask, one whole step, at a small and a large vocabulary.

    python benchmarks/constrained_decoding.py
    python benchmarks/constrained_decoding.py --sizes 150000 --regex    # the naive route there too: minutes, 3 GB

No model is needed: the tokens of a real document (prose, escapes, code) are fed step by step. "load" and "first
compile" are what a process pays once for a vocabulary; "engine mask" is what a server pays that is sent the grammar;
"step" is all that `DocumentProcessor` adds to a token of one sequence, and "mask" the part of it that depends on the
grammar: in the first document, and once its masks are known. Beside them: sampling without a constraint, and the naive
regular expression.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from naive_regex import NaiveRegex
from results import record, show
from vocabularies import tokenizer_of

from llmi_schema import CodeCall, CodeParams, ImageCount, RowConstraint, SearchCall, SearchParams, document_grammar
from llmi_schema.decoding import DocumentProcessor
from llmi_schema.masks import GrammarMasks
from llmi_schema.vocabulary import Vocabulary, vocabulary_of

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


def seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measure(tokenizer: Any, backend: Any) -> dict[str, float]:
    """One backend at one vocabulary."""
    size = len(tokenizer)
    vocabulary = vocabulary_of(tokenizer, size)
    grammar = document_grammar(ROW)
    grammar.lark, grammar.ebnf  # noqa: B018 (written once, before the clock starts)
    first = seconds(lambda: GrammarMasks(document_grammar(RowConstraint(ImageCount.none())), vocabulary, backend))
    cold = seconds(lambda: GrammarMasks(grammar, vocabulary, backend))
    DocumentProcessor(tokenizer, size, [ROW], 4096, backend=backend)
    cached = min(seconds(lambda: DocumentProcessor(tokenizer, size, [ROW], 4096, backend=backend)) for _ in range(5))
    tokens = tokenizer.encode(DOCUMENT)
    compiled = GrammarMasks(grammar, vocabulary, backend)
    engine = least([engine_masks(compiled, vocabulary, tokens) for _ in range(3)])
    masks = [kept_masks(DocumentProcessor(tokenizer, size, [ROW], 4096, backend=backend), tokens) for _ in range(3)]
    steps = [
        step_times(DocumentProcessor(tokenizer, size, [ROW], 4096, backend=backend), size, tokens) for _ in range(3)
    ]
    later = statistics.mean(least(steps))
    return {
        "first_compile_ms": first * 1e3,
        "compile_ms": cold * 1e3,
        "cached_ms": cached * 1e3,
        "engine_mask_us": statistics.mean(engine) * 1e6,
        "engine_mask_p99_us": sorted(engine)[int(len(engine) * 0.99)] * 1e6,
        "first_document_mask_us": statistics.mean(masks[0]) * 1e6,
        "mask_us": statistics.mean(least(masks[1:])) * 1e6,
        "step_us": later * 1e6,
        "percent_of_20_ms": later / STEP_SECONDS * 100,
    }


def engine_masks(masks: GrammarMasks, vocabulary: Vocabulary, tokens: list[int]) -> list[float]:
    """Seconds for each mask straight from the engine, without our cache."""
    matcher = masks.matcher()
    mask = np.zeros((vocabulary.size + 31) // 32, dtype=np.int32)
    taken = []
    for token in tokens:
        taken.append(seconds(lambda: matcher.fill(mask)))
        matcher.consume([token])
    return taken


def kept_masks(processor: DocumentProcessor, tokens: list[int]) -> list[float]:
    """Seconds for each mask as `DocumentProcessor` finds it: in its memory, or from the engine."""
    processor.process_logits(torch.zeros((1, 1), dtype=torch.long), torch.zeros(1, processor._vocabulary.size))
    (row,) = processor._rows
    taken = []
    for token in tokens:
        taken.append(seconds(row.mask))
        row.take(token)
    return taken


def least(passes: list[list[float]]) -> list[float]:
    """Token by token the best of several passes: other processes on the machine are not what is measured."""
    return [min(times) for times in zip(*passes, strict=True)]


def step_times(process: Callable[[Any, Any], Any], size: int, tokens: list[int]) -> list[float]:
    """Seconds that a logits processor takes for each token of one sequence."""
    ids, logits = torch.zeros((1, 1 + len(tokens)), dtype=torch.long), torch.zeros(1, size)
    ids[0, 1:] = torch.tensor(tokens)
    return [seconds(lambda n=n: process(ids[:, : n + 1], logits)) for n in range(len(tokens))]


def measure_regex(tokenizer: Any) -> dict[str, float]:
    size = len(tokenizer)
    naive = NaiveRegex(tokenizer, vocabulary_of(tokenizer, size), tags=3)
    steps = step_times(naive.processor(1), size, tokenizer.encode(DOCUMENT))
    return {
        "compile_ms": naive.compile_seconds * 1e3,
        "step_us": statistics.mean(steps) * 1e6,
        "percent_of_20_ms": statistics.mean(steps) / STEP_SECONDS * 100,
    }


def sampling(size: int) -> dict[str, float]:
    """Choosing a token without any constraint, for scale."""
    logits = torch.randn(1, size)
    times = [seconds(lambda: torch.multinomial(logits.softmax(-1), 1)) for _ in range(200)]
    return {"step_us": statistics.mean(times) * 1e6, "percent_of_20_ms": statistics.mean(times) / STEP_SECONDS * 100}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[2_000, 150_000], help="vocabulary sizes")
    arguments.add_argument("--regex", action="store_true", help="measure the naive route at every size")
    options = arguments.parse_args()

    torch.set_num_threads(1)
    results: dict[str, dict[str, float]] = {}
    for size in options.sizes:
        tokenizer = tokenizer_of(size)
        loading = seconds(lambda tokenizer=tokenizer: vocabulary_of(tokenizer, len(tokenizer))) * 1e3
        results[f"none {size}"] = sampling(size)
        for backend in ("llguidance", "xgrammar"):
            results[f"{backend} {size}"] = {"load_ms": loading, **measure(tokenizer, backend)}
        if options.regex or size <= 10_000:
            results[f"regex {size}"] = measure_regex(tokenizer)
    measures = list(dict.fromkeys(name for result in results.values() for name in result))
    rows = [[name, *(result.get(name, "") for result in results.values())] for name in measures]
    show("Constrained decoding", ["", *results], rows)
    print(record("constrained-decoding", results, document_tokens=len(tokenizer.encode(DOCUMENT))))


if __name__ == "__main__":
    main()

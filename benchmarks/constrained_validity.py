"""Does constrained decoding keep its word? Adversarial generations, and engines against an independent oracle.

    python benchmarks/constrained_validity.py                                          # two minutes
    python benchmarks/constrained_validity.py --documents 100000 --agreement 100000    # the full sizes

A generation has no model, only wishes: scores that favour what breaks documents (marks, quotes, escapes, halves of
characters, special tokens, rows beyond the tokenizer, an early end or none) plus Gumbel noise, so that taking the best
allowed token is sampling. Every document is checked four ways: its bytes are UTF-8, `parse` finds nothing wrong with
it, the count and the tools are those asked for, and `re` matches it with the grammar's pattern. The same wishes
without a constraint, and under the naive regular expression, show what the constraint is worth.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import torch
from naive_regex import NaiveRegex
from results import record, show
from vocabularies import tokenizer_of

from llmi_schema import (
    DEFAULT_LANGUAGE,
    CodeCall,
    CodeParams,
    ConstraintError,
    EditCall,
    EditParams,
    Grammar,
    ImageCount,
    RowConstraint,
    SearchCall,
    SearchParams,
    document_grammar,
    parse,
)
from llmi_schema.decoding import DocumentProcessor
from llmi_schema.vocabulary import Vocabulary, vocabulary_of

EXTRA = 37
"""Rows of the model's vocabulary beyond the tokenizer's, as real models have."""
BATCH = 8
SMALL = 10_000
"""Up to this many tokens outlines_core's index is built in seconds."""
BUDGETS = (8, 24, 24, 48, 48, 96, 160)
SETTINGS = (
    RowConstraint(ImageCount.none()),
    RowConstraint(ImageCount.any()),
    RowConstraint(ImageCount.at_least_one(), input_images=1),
    RowConstraint(ImageCount.exactly(1), language=DEFAULT_LANGUAGE.only("code")),
    RowConstraint(ImageCount.exactly(1), 1, DEFAULT_LANGUAGE.only("edit")),
    RowConstraint(ImageCount.exactly(2), required_tools=frozenset({"edit", "search"})),
    RowConstraint(ImageCount.exactly(3)),
    RowConstraint(ImageCount(minimum=1, maximum=2), input_images=12),
    RowConstraint(ImageCount.at_least_one(), may_think=True, max_images=3),
)


class Wishes:
    """Scores for a batch at a step: views of one pool of random scores under several kinds of ill will."""

    def __init__(self, vocabulary: Vocabulary, known: int, seed: int) -> None:
        self._random = random.Random(seed)
        generator = torch.Generator().manual_seed(seed)
        rows = 64
        pool = torch.empty(rows, vocabulary.size).exponential_(generator=generator).log_().neg_().mul_(2)
        marks = [i for i, text in enumerate(vocabulary.bytes) if set(text) & set(b'<>"\\`~/{}')]
        halves = [i for i, text in enumerate(vocabulary.bytes) if text and not _is_text(text)]
        for row in range(rows):
            pool[row, marks] += self._random.choice([0.0, 4.0, 8.0, 12.0])
            pool[row, halves] += self._random.choice([0.0, 6.0])
            pool[row, sorted(vocabulary.special)] += 8.0
            pool[row, known:] += 8.0
            pool[row, vocabulary.eos] += self._random.choice([-30.0, -4.0, 4.0])
        self._pool = pool

    def next(self, rows: int) -> Any:
        start = self._random.randrange(len(self._pool) - rows + 1)
        return self._pool[start : start + rows]


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


Process = Callable[[Any, Any], Any]


def generate(process: Process, wishes: Wishes, rows: int, budget: int, eos: int) -> list[list[int]]:
    """Each row's tokens up to and with the end token, or to the budget."""
    ids = torch.zeros((rows, 1 + budget), dtype=torch.long)
    going = torch.ones(rows, dtype=torch.bool)
    length = 1
    while length <= budget and bool(going.any()):
        scores = process(ids[:, :length], wishes.next(rows))
        ids[:, length] = torch.from_numpy(scores.numpy().argmax(-1))  # ten times as fast as torch
        going &= ids[:, length] != eos
        length += 1
    tokens = ids[:, 1:length].tolist()
    return [row[: row.index(eos) + 1] if eos in row else row for row in tokens]


def faults(tokens: Sequence[int], row: RowConstraint, vocabulary: Vocabulary) -> Iterator[str]:
    """What is wrong with a generation."""
    if tokens[-1:] != [vocabulary.eos]:
        yield "cut off"
    body = [token for token in tokens if token != vocabulary.eos]
    if vocabulary.special.intersection(body):
        yield "special token"
    data = b"".join(vocabulary.bytes[token] for token in body)
    if not _is_text(data):
        yield "broken UTF-8"
    text = data.decode(errors="replace")
    document = parse(text, row.input_images, row.language)
    if not document.finished:
        yield "open tag"
    if document.bad_tags or document.fenced:
        yield "bad tag"
    if not row.count.allows(len(document.calls)) or len(document.calls) > max(row.max_images, row.count.minimum):
        yield "wrong count"
    if not row.required_tools <= {call.source for call in document.calls}:
        yield "tool missing"
    if not re.fullmatch(document_grammar(row).regex, text):
        yield "no match"


def adversarial(tokenizer: Any, backend: Any, documents: int, seed: int) -> dict[str, Any]:
    """One backend over one vocabulary; "none" is no constraint, "naive regex" the `outlines_core` route."""
    size = len(tokenizer) + EXTRA
    vocabulary = vocabulary_of(tokenizer, size)
    wishes = Wishes(vocabulary, len(tokenizer), seed)
    naive = NaiveRegex(tokenizer, vocabulary) if backend == "naive regex" else None
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    settings: Counter[RowConstraint] = Counter()
    tokens = invalid = 0
    begin = time.perf_counter()
    while settings.total() < documents:
        budget = rng.choice(BUDGETS)
        rows = [naive.row] * BATCH if naive else rng.choices(SETTINGS, k=BATCH)
        process: Process = naive.processor(BATCH) if naive else _as_they_are
        if backend in ("llguidance", "xgrammar"):
            rows = [row for row in rows if _fits(tokenizer, size, row, budget)]
            if not rows:
                continue
            process = DocumentProcessor(tokenizer, size, rows, budget, backend=backend)
        for row, written in zip(rows, generate(process, wishes, len(rows), budget, vocabulary.eos), strict=True):
            wrong = set(faults(written, row, vocabulary))
            found.update(wrong)
            settings[row] += 1
            invalid += bool(wrong)
            tokens += len(written)
    return {
        "backend": backend,
        "vocabulary": len(tokenizer),
        "documents": settings.total(),
        "fewest_of_a_setting": min(settings.values()),
        "tokens": tokens,
        "valid_percent": 100 * (1 - invalid / settings.total()),
        "faults": dict(found),
        "seconds": time.perf_counter() - begin,
    }


def _as_they_are(ids: Any, scores: Any) -> Any:
    return scores


@cache
def _fits(tokenizer: Any, size: int, row: RowConstraint, budget: int) -> bool:
    """Whether any document of the row is that short; a processor refuses the row otherwise."""
    try:
        DocumentProcessor(tokenizer, size, [row], budget)
    except ConstraintError:
        return False
    return True


SEARCH = SearchCall(description="d", params=SearchParams(query="q")).to_tag()
CODE = CodeCall(description="<b", params=CodeParams(code='"\n\\')).to_tag()
EDIT = EditCall(description="d", params=EditParams(img_index=0, prompt="p")).to_tag()
PIECES = (SEARCH, SEARCH, CODE, EDIT, EDIT.replace("0", "1"), "<think>a<imgen></think>", "a ", "é😀", "<", "``", "</")
SLIPS = (*'"<>\\/`~{} a\né,', "<imgen>", "</imgen>", "<think>", "<image>", "\\u", "d83d", "\\ude00", "```", "")


def near_document(rng: random.Random, grammar: Grammar) -> str:
    """Pieces of documents, half the time made a document of the grammar, with a few characters lost or replaced."""
    text = "".join(rng.choices(PIECES, k=rng.randrange(6)))
    if rng.random() < 0.5:
        text = grammar.valid_prefix(text)
        text += grammar.close(text)
    for _ in range(rng.choice([0, 0, 0, 1, 2, 3])):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(SLIPS) + text[at + rng.randrange(2) :]
    return text


def llguidance_accepts(grammar: Grammar) -> Callable[[str], bool]:
    from llguidance import LLMatcher, LLTokenizer

    tokenizer = LLTokenizer("byte")
    first = LLMatcher(tokenizer, LLMatcher.grammar_from_lark(grammar.lark))

    def accepts(text: str) -> bool:
        matcher = first.deep_copy()
        tokens = tokenizer.tokenize_str(text)
        return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()

    return accepts


def xgrammar_accepts(grammar: Grammar) -> Callable[[str], bool]:
    import xgrammar

    info = xgrammar.TokenizerInfo([bytes([i]) for i in range(256)] + [b"</s>"], stop_token_ids=[256])
    compiled = xgrammar.GrammarCompiler(info).compile_grammar(grammar.ebnf)

    def accepts(text: str) -> bool:
        matcher = xgrammar.GrammarMatcher(compiled)
        return all(matcher.accept_token(byte) for byte in text.encode()) and matcher.is_completed()

    return accepts


def agreement(documents: int, seed: int) -> dict[str, Any]:
    """llguidance, xgrammar and our recogniser beside `re`, text by text."""
    rng = random.Random(seed)
    grammars = [document_grammar(row) for row in SETTINGS]
    oracles = [re.compile(grammar.regex) for grammar in grammars]
    engines = [(llguidance_accepts(g), xgrammar_accepts(g), g.accepts) for g in grammars]
    accepted = differences = 0
    begin = time.perf_counter()
    for number in range(documents):
        setting = number % len(SETTINGS)
        text = near_document(rng, grammars[setting])
        expected = oracles[setting].fullmatch(text) is not None
        accepted += expected
        for accepts in engines[setting]:
            if accepts(text) != expected:
                differences += 1
                print(f"{accepts.__qualname__} disagrees on {text!r} for {SETTINGS[setting]}")
    seconds = time.perf_counter() - begin
    return {"documents": documents, "accepted": accepted, "differences": differences, "seconds": seconds}


def told(faults: dict[str, int]) -> str:
    return ", ".join(f"{number} {fault}" for fault, number in sorted(faults.items())) or "none"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--documents", type=int, default=4000, help="generations in all, over backends and sizes")
    arguments.add_argument("--agreement", type=int, default=5000, help="texts on which the engines are compared")
    arguments.add_argument("--sizes", type=int, nargs="+", default=[2_000, 150_000], help="vocabulary sizes")
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()

    torch.set_num_threads(1)
    weights = [
        4 if size <= SMALL else 1 for size in options.sizes
    ]  # a step over 150,000 tokens takes ten times as long
    runs = []
    for size, weight in zip(options.sizes, weights, strict=True):
        share = -(-options.documents * weight // (2 * sum(weights)))
        tokenizer = tokenizer_of(size)
        runs += [adversarial(tokenizer, backend, share, options.seed) for backend in ("llguidance", "xgrammar")]
        runs.append(adversarial(tokenizer, "none", min(share, 500), options.seed))
        if size <= SMALL:
            runs.append(adversarial(tokenizer, "naive regex", min(share, 500), options.seed))
    show(
        "Adversarial generations",
        list(runs[0]),
        [list((run | {"faults": told(run["faults"])}).values()) for run in runs],
    )
    compared = agreement(options.agreement, options.seed)
    show("llguidance, xgrammar and the recogniser beside re", list(compared), [list(compared.values())])
    print(record("constrained-validity", {"generations": runs, "agreement": compared}, seed=options.seed))

    constrained = [run for run in runs if run["backend"] in ("llguidance", "xgrammar")]
    if compared["differences"] or any(run["valid_percent"] < 100 for run in constrained):
        raise SystemExit("a constraint was broken")


if __name__ == "__main__":
    main()

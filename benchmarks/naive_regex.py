"""The route most people try first: one regular expression over a whole document, indexed by outlines_core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from llmi_schema import ImageCount, RowConstraint
from llmi_schema.vocabulary import Vocabulary

_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrtu])*"'
_PARAMS = {
    "search": rf'"query": {_STRING}',
    "diffusion": rf'"prompt": {_STRING}',
    "code": rf'"code": {_STRING}',
    "edit": rf'"img_index": [0-9], "prompt": {_STRING}',
}
_BODIES = "|".join(
    f'"{tool}", "description": {_STRING}, "params": \\{{{params}\\}}' for tool, params in _PARAMS.items()
)


class NaiveRegex:
    """`tags` tags of any tool, with any text around them: no lookahead, so `<<imgen>{bad` passes for text."""

    def __init__(self, tokenizer: Any, vocabulary: Vocabulary, tags: int = 1) -> None:
        from outlines.backends.outlines_core import OutlinesCoreBackend
        from outlines_core import Index

        self.row = RowConstraint(ImageCount.exactly(tags))
        self._size = vocabulary.size
        known = OutlinesCoreBackend.create_outlines_core_vocabulary(
            tokenizer.get_vocab(),
            tokenizer.eos_token_id,
            tokenizer.eos_token,
            lambda token: tokenizer.convert_tokens_to_string([token]),
        )
        begin = time.perf_counter()
        self._index = Index(rf'(?s:.)*(?:<imgen>\{{"source": (?:{_BODIES})\}}</imgen>(?s:.)*){{{tags}}}', known)
        self.compile_seconds = time.perf_counter() - begin

    def processor(self, rows: int) -> Callable[[Any, Any], Any]:
        """Rules out tokens as outlines' own processor does, for one generation of `rows` rows."""
        import numpy as np
        import torch
        from outlines_core import Guide

        guides = [Guide(self._index) for _ in range(rows)]
        masks = np.zeros((rows, (self._size + 31) // 32), dtype=np.int32)

        def process(ids: Any, scores: Any) -> Any:
            last = ids[:, -1].tolist()
            for guide, mask, token in zip(guides, masks, last, strict=True):
                if ids.shape[1] > 1 and (not guide.is_finished() or guide.accepts_tokens([token])):
                    guide.advance(token, return_tokens=False)
                guide.write_mask_into(mask.ctypes.data, mask.size, mask.itemsize)
            bits = np.unpackbits(masks.view(np.uint8), axis=1, bitorder="little", count=scores.shape[-1])
            return scores.masked_fill(torch.from_numpy(bits == 0), float("-inf"))

        return process

"""Bytes that tensors hold, followed operation by operation, on real tensors and on ones without contents alike."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class LiveBytes(TorchDispatchMode):
    """Counts the storage that operations make while it is active: `now`, and the highest it has been, `peak`.

    What existed before is not counted, so parameters, gradients and optimiser states stay outside.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        from torch import Tensor
        from torch.utils._pytree import tree_iter

        out = function(*args, **(kwargs or {}))
        given = {id(x.untyped_storage()) for x in tree_iter((args, kwargs)) if isinstance(x, Tensor)}
        for made in tree_iter(out):
            if isinstance(made, Tensor) and id(made.untyped_storage()) not in given:
                self._add(made.untyped_storage())
        return out

    def _add(self, storage: Any) -> None:
        key, size = id(storage), storage.nbytes()
        if key not in self._known:
            self._known[key] = weakref.ref(storage, lambda _: self._gone(key, size))
            self.now += size
            self.peak = max(self.peak, self.now)

    def _gone(self, key: int, size: int) -> None:
        del self._known[key]
        self.now -= size


def allocated_peak(work: Callable[[], Any]) -> int:
    """The most bytes that PyTorch's CPU allocator has held during `work`, above what it held before.

    Every allocation counts, those inside of kernels too; freed blocks that were allocated before count as negative.
    """
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        work()
    events = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak

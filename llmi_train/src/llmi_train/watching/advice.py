"""Known failures of a run, recognised in its curves and told in plain words with what to do.

Each rule looks at one failure and either says nothing or gives its advice with the numbers it rests on. A rule needs
at least `_ENOUGH` logged steps, so that the first steps of a good run say nothing yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmi_train.watching.curves import Curves

_ENOUGH = 8
"""Logged steps before a curve is judged."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One failure that the curves show.

    Attributes:
        title: what is wrong, in a few words.
        evidence: the numbers that say so.
        what_to_do: in the order to try it.
    """

    title: str
    evidence: str
    what_to_do: str


def advise(curves: Curves) -> list[Advice]:
    """What the curves of a run warn of, the gravest first; nothing for a healthy one, or one too short to tell."""
    if len(curves) < _ENOUGH:
        return []
    return [advice for rule in _RULES if (advice := rule(curves)) is not None]


def _not_a_number(curves: Curves) -> Advice | None:
    for name in ("loss", "grad_norm"):
        values = curves.known(name)
        if any(math.isinf(value) for value in values):
            return Advice(
                "The loss is no number any more",
                f"{name} is infinite or undefined in {sum(map(math.isinf, values))} of {len(values)} steps",
                "Go back to the checkpoint before it. Halve the learning rate, check max_grad_norm (1.0 or 0.2), and "
                "train in bf16, not fp16.",
            )
    return None


def _too_fast(curves: Curves) -> Advice | None:
    """The reward was good and is not any more, and the updates were large."""
    reward = curves.known("reward")
    if len(reward) < 2 * _ENOUGH:
        return None
    smooth = _smooth(reward)
    best, last = max(smooth), smooth[-1]
    start = smooth[0]
    gained = best - start
    if gained < 0.1 or last > best - 0.5 * gained:
        return None
    grad, clipped = curves.known("grad_norm"), curves.known("clip_ratio/region_mean")
    signs = []
    if grad and _tail(grad) > 3 * _head(grad):
        signs.append(f"grad_norm went from {_head(grad):.2g} to {_tail(grad):.2g}")
    if clipped and _tail(clipped) > 0.2:
        signs.append(f"{_tail(clipped):.0%} of the tokens are clipped")
    sign = f"; {' and '.join(signs)}" if signs else ""
    return Advice(
        "The learning rate is too high",
        f"the reward rose to {best:.2f} and fell back to {last:.2f}{sign}",
        "Go back to the checkpoint at the top and lower learning_rate to a third. A warm-up of a few steps, "
        "a smaller max_grad_norm or a larger batch also help.",
    )


def _kl(curves: Curves) -> Advice | None:
    kl = curves.known("kl")
    if not kl or _tail(kl) < 0.5 or _tail(kl) < 5 * _median(kl[: len(kl) // 2]):
        return None
    return Advice(
        "The policy runs away from where it started",
        f"the KL divergence from the reference is {_tail(kl):.2g} per token, after "
        f"{_median(kl[: len(kl) // 2]):.2g} in the first half",
        "Lower learning_rate, or raise beta. Read the latest documents: what is far from the reference and well "
        "rewarded is often a trick.",
    )


def _unscored(curves: Curves) -> Advice | None:
    share = curves.known("unscored")
    if not share or _tail(share) < 0.1:
        return None
    return Advice(
        "Many answers have no score",
        f"{_tail(share):.0%} of the answers are unscored lately, and nothing is learnt from them",
        "The log names the reasons. Usually a judge or a tool is down or slower than deadline_seconds: "
        "`llmi-train doctor --config` looks at each of them.",
    )


def _truncated(curves: Curves) -> Advice | None:
    cut = curves.known("completions/clipped_ratio")
    if not cut or _tail(cut) < 0.5:
        return None
    return Advice(
        "Answers are cut off",
        f"{_tail(cut):.0%} of the answers reach the token limit and count as unfinished",
        "Raise max_completion_length. If the documents ramble, the end token is not learnt: warm up with "
        "`llmi-train sft`, or set truncated: repair for a while.",
    )


def _no_signal(curves: Curves) -> Advice | None:
    """Groups whose answers all score the same teach nothing."""
    same, reward = curves.known("frac_reward_zero_std"), curves.known("reward")
    if not same or not reward or _tail(same) < 0.7:
        return None
    level = _tail(reward)
    if level > 0.9:
        return None  # there is nothing left to learn
    return Advice(
        "The reward is flat: the answers of a group all score the same",
        f"{_tail(same):.0%} of the groups show no difference, at a reward of {level:.2f}",
        "Raise the temperature or num_generations. If nothing ever scores, the task is too hard as it stands: warm up "
        "with `llmi-train sft`, start from easier prompts, or set strict_counts: false so that near misses count.",
    )


def _entropy(curves: Curves) -> Advice | None:
    entropy, reward = curves.known("entropy"), curves.known("reward")
    if not entropy or _head(entropy) < 0.02 or _tail(entropy) > 0.1 * _head(entropy):
        return None
    if reward and _tail(reward) > 0.95:
        return None  # it knows what to write
    return Advice(
        "The policy has stopped trying things",
        f"its entropy fell from {_head(entropy):.2g} to {_tail(entropy):.2g} per token",
        "Raise epsilon_high (0.28) or the temperature, lower learning_rate, or set entropy_coef. From here little will "
        "change: go back to an earlier checkpoint.",
    )


def _tools(curves: Curves) -> Advice | None:
    dead = {
        name: _tail(known)
        for name, values in curves.named("tools/", "/success").items()
        if len(known := [value for value in values if value is not None]) >= _ENOUGH and _tail(known) < 0.05
    }
    if not dead:
        return None
    names = ", ".join(sorted(dead))
    return Advice(
        f"{'A tool fails' if len(dead) == 1 else 'Tools fail'} nearly always: {names}",
        "; ".join(f"{share:.0%} of the calls of {name} bring a picture" for name, share in sorted(dead.items())),
        "`llmi-train doctor --config` calls each tool once. If it works there, read the calls in the documents below: "
        "the policy asks for what the tool cannot do.",
    )


def _constrained(curves: Curves) -> Advice | None:
    drift = curves.known("constraint/log_ratio")
    if not drift or _tail(drift) > -3:
        return None
    return Advice(
        "Constrained rollouts are far from what the policy would write",
        f"the log of the probability the constraint leaves is {_tail(drift):.1f} per document: the free policy would "
        f"write such a one with a chance of {math.exp(max(_tail(drift), -700)):.1g}",
        "What is rewarded is not what is trained. Warm up with `llmi-train sft` until it is above -1, or set "
        "constrain: none and let the reward teach the format.",
    )


def _sampling(curves: Curves) -> Advice | None:
    """vLLM samples with one set of kernels and the trainer scores with another; they should nearly agree."""
    ratio = curves.known("sampling/importance_sampling_ratio/mean")
    difference = curves.known("sampling/sampling_logp_difference/mean")
    signs = []
    if ratio and not 0.5 <= _tail(ratio) <= 2:
        signs.append(f"the sampling ratio is {_tail(ratio):.2g} on average, and should be 1")
    if difference and _tail(difference) > 0.1:
        signs.append(f"log-probabilities differ by {_tail(difference):.2g} per token")
    if not signs:
        return None
    return Advice(
        "What generates is not what is trained",
        "; ".join(signs),
        "Use the same precision in vLLM and in training, set vllm_importance_sampling_mode: token_truncate, and check "
        "that the vLLM server holds the same model and gets the new weights.",
    )


def _clipped(curves: Curves) -> Advice | None:
    clipped = curves.known("clip_ratio/region_mean")
    if not clipped or _tail(clipped) < 0.3:
        return None
    return Advice(
        "Most of what could be learnt is clipped away",
        f"{_tail(clipped):.0%} of the tokens are outside the clip range",
        "Make fewer updates from each generation (updates_per_generation: 1), or lower learning_rate.",
    )


def _smooth(values: Sequence[float]) -> list[float]:
    window = max(3, len(values) // 10)
    return [sum(values[i : i + window]) / window for i in range(len(values) - window + 1)]


def _part(values: Sequence[float]) -> int:
    return max(4, len(values) // 5)


def _tail(values: Sequence[float]) -> float:
    """The median of the last fifth."""
    return _median(values[-_part(values) :])


def _head(values: Sequence[float]) -> float:
    """The median of the first fifth."""
    return _median(values[: _part(values)])


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0


_RULES: tuple[Callable[[Curves], Advice | None], ...] = (
    _not_a_number,
    _too_fast,
    _kl,
    _unscored,
    _truncated,
    _no_signal,
    _entropy,
    _tools,
    _constrained,
    _sampling,
    _clipped,
)

"""Marks from 1 to 5, and why, computed from an exhibit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from llmi_train.stand_in.looks import Look, drawn_as, edited_from, look
from llmi_train.stand_in.reading import Exhibit, Tagged
from llmi_train.stand_in.words import (
    announced_pictures,
    content_words,
    kinds_of_pictures,
    order,
    share,
    variety,
    wants_no_picture,
)

Mark = tuple[int, str]

_KIND_OF = {"code": "chart", "diffusion": "scene", "search": "real", "edit": "changed"}


def text(exhibit: Exhibit) -> Mark:
    """Order and variety of the words, and whether the text keeps what it announces."""
    prose = " ".join(exhibit.prose)
    ordered, varied = order(prose), variety(prose)
    announced = announced_pictures(prose)
    kept = 0.5 if announced is None else float(announced == len(exhibit.tags))
    about = share(content_words(exhibit.request), content_words(prose))
    quality = max(0.0, 2 * ordered - 1) * (0.55 + 0.2 * kept + 0.25 * about) * varied
    return _mark(quality), f"order {ordered:.2f}, variety {varied:.2f}, announcements {kept:.1f}, topic {about:.2f}"


def image(exhibit: Exhibit) -> Mark:
    """Whether each tag's words fit the request and the prose before it, and something came of it."""
    if not exhibit.tags:
        if wants_no_picture(exhibit.request):
            return 5, "no picture is wanted and none is asked for"
        return _mark(0.4), "there are no pictures"
    if wants_no_picture(exhibit.request):
        return 1, "pictures are asked for where none is wanted"
    fits = [_asked_for_well(exhibit, tag) for tag in exhibit.tags]
    covered = share(kinds_of_pictures(exhibit.request), {_kind_asked(tag) for tag in exhibit.tags})
    return _mark(0.6 * _mean(fits) + 0.4 * covered), f"tags fit {_mean(fits):.2f}, kinds covered {covered:.2f}"


def quality(exhibit: Exhibit) -> Mark:
    """How much there is to see in the pictures."""
    details = [look(tag.png).detail for tag in exhibit.tags if tag.png]
    if not details:
        return 1, "no picture is shown"
    return _mark(_mean([min(1.0, 1.6 * detail) for detail in details])), f"detail {_mean(details):.2f}"


def text_image(exhibit: Exhibit) -> Mark:
    """Whether each picture is what it was asked to be, and of the kind the prose before it speaks of."""
    fits = [_shows_what_was_asked(exhibit, number) for number, tag in enumerate(exhibit.tags) if tag.png]
    if not fits:
        return 1, "no picture is shown"
    return _mark(_mean(fits)), f"pictures fit their words {_mean(fits):.2f}"


def task(exhibit: Exhibit) -> Mark:
    """Whether the kinds of pictures the request speaks of are to be seen, and its subject."""
    shown = [number for number, tag in enumerate(exhibit.tags) if tag.png]
    if not shown:
        return 1, "no picture is shown"
    wanted = kinds_of_pictures(exhibit.request)
    seen = {kind for number in shown for kind in _kinds_seen(exhibit, number)}
    covered = share(wanted, seen)
    fits = [_serves_the_request(exhibit, number) for number in shown]
    return _mark(0.5 * covered + 0.5 * _mean(fits)), f"kinds seen {covered:.2f}, subject {_mean(fits):.2f}"


CRITERIA: dict[str, Callable[[Exhibit], Mark]] = {
    "text": text,
    "image": image,
    "quality": quality,
    "text_image": text_image,
    "task": task,
}


def _asked_for_well(exhibit: Exhibit, tag: Tagged) -> float:
    near = kinds_of_pictures(tag.before)
    kind = 1.0 if not near else float(_kind_asked(tag) in near)
    return 0.4 * _on_topic(exhibit.request, tag) + 0.4 * kind + 0.2 * tag.came


def _on_topic(request: str, tag: Tagged) -> float:
    """The share of a tag's words, or of a chart's numbers, that the request has."""
    asked = _asked(tag)
    if tag.asked.get("source") == "code":
        return share(_numbers(asked), _numbers(request))
    if tag.asked.get("source") == "edit":
        return 1.0
    return min(1.0, 1.5 * share(content_words(asked), content_words(request)))


def _shows_what_was_asked(exhibit: Exhibit, number: int) -> float:
    tag, seen = exhibit.tags[number], _seen(exhibit, number)
    if seen.blank:
        return 0.0
    near = kinds_of_pictures(tag.before)
    kind = 1.0 if not near else float(bool(near & _kinds_seen(exhibit, number)))
    return 0.7 * _matches(exhibit, number) + 0.3 * kind


def _serves_the_request(exhibit: Exhibit, number: int) -> float:
    seen = _seen(exhibit, number)
    if seen.blank:
        return 0.0
    topic = _on_topic(exhibit.request, exhibit.tags[number])
    if seen.subject:
        topic = max(0.3 * topic, float(bool(seen.subject & content_words(exhibit.request))))
    return topic * _matches(exhibit, number)


def _matches(exhibit: Exhibit, number: int) -> float:
    """Whether the pixels are what the tag's words would give, 0 to 1."""
    tag, seen = exhibit.tags[number], _seen(exhibit, number)
    match tag.asked.get("source"):
        case "code":
            return float(seen.chart)
        case "search":
            return float(bool(seen.subject & content_words(_asked(tag))))
        case "diffusion":
            return drawn_as(seen, _asked(tag))
        case "edit":
            original = _original(exhibit, tag)
            return edited_from(seen, original) if original else 0.0
        case _:
            return 0.0


def _kinds_seen(exhibit: Exhibit, number: int) -> set[str]:
    seen = _seen(exhibit, number)
    if seen.blank:
        return set()
    changed = any(edited_from(seen, look(png)) > 0.5 for png in exhibit.given)
    return {"changed"} if changed else {seen.kind}


def _seen(exhibit: Exhibit, number: int) -> Look:
    return look(exhibit.tags[number].png or b"")


def _original(exhibit: Exhibit, tag: Tagged) -> Look | None:
    params = tag.asked.get("params")
    index = params.get("img_index") if isinstance(params, dict) else None
    pictures: Sequence[bytes | None] = [*exhibit.given, *(t.png for t in exhibit.tags)]
    png = pictures[index] if isinstance(index, int) and 0 <= index < len(pictures) else None
    return look(png) if png else None


def _kind_asked(tag: Tagged) -> str:
    return _KIND_OF.get(str(tag.asked.get("source")), "")


def _asked(tag: Tagged) -> str:
    params = tag.asked.get("params")
    found = [str(v) for k, v in params.items() if k != "img_index"] if isinstance(params, dict) else []
    return " ".join(found)


def _numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", text))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _mark(share: float) -> int:
    return 1 + round(4 * min(1.0, max(0.0, share)))


def verdict(criteria: Sequence[str], exhibit: Exhibit) -> str:
    """The answer a judge gives: a reason and a mark per criterion, as JSON. KeyError for an unknown criterion."""
    marks = {name: CRITERIA[name](exhibit) for name in criteria}
    return json.dumps({name: {"reason": f"stand-in: {why}", "score": mark} for name, (mark, why) in marks.items()})

"""The one Jinja environment, and how Python reaches the macros in `templates/`."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from llmi_sandbox.report.text import followable, showable


@cache
def environment() -> Environment:
    """Everything that is not Markup is made showable and escaped; templates cannot opt out."""
    env = Environment(
        loader=PackageLoader("llmi_sandbox.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.tests["followable"] = followable
    return env


def _finalize(value: Any) -> Any:
    return showable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def macro(template: str, name: str, /, **values: Any) -> Markup:
    """Call one macro of `templates/<template>.html`."""
    fragment: Markup = getattr(environment().get_template(f"{template}.html").module, name)(**values)
    return fragment

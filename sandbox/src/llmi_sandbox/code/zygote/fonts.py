"""Fonts: what is installed, and a second choice for letters that matplotlib's own font lacks."""

from __future__ import annotations

from typing import Any

_WIDE = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
    "Arial Unicode MS",
)
"""Fonts with Chinese, Japanese and Korean letters, the fullest first."""


def files() -> list[str]:
    """Every font file matplotlib knows of."""
    from matplotlib import font_manager

    return [font.fname for font in font_manager.fontManager.ttflist]


def fall_back() -> str | None:
    """Let every text fall back on a CJK font for the letters its own font lacks. Returns the font, None without one.

    It is added where matplotlib turns font properties into files, past `rcParams`: themes and snippets set those, to
    fonts this machine may not have. Letters that a text's own fonts have look as always.
    """
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    name = next((name for name in _WIDE if name in known), None)
    if name is not None:
        manager: Any = font_manager.fontManager
        found = manager._find_fonts_by_props
        wide = manager.findfont(font_manager.FontProperties(family=name), fallback_to_default=False)

        def find(*arguments: Any, **options: Any) -> list[Any]:
            files: list[Any] = found(*arguments, **options)
            return files if wide in files else [*files, wide]

        manager._find_fonts_by_props = find
    return name

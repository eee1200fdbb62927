"""Templates filled in: the same filters in the report, in the card and on the page."""

from __future__ import annotations

from pathlib import Path

import jinja2

from distill.reporting import formatting

TEMPLATES = Path(__file__).parent / "templates"


def environment(folder: Path = TEMPLATES, *, is_html: bool = True) -> jinja2.Environment:
    """Templates of `folder`; a name that is missing is an error. `is_html`: what is filled in is escaped."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=is_html,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "plain": formatting.plain,
        "short": formatting.short,
        "percent": formatting.percent,
        "points": formatting.points,
        "number": formatting.number,
        "kilobytes": formatting.kilobytes,
        "cost": formatting.cost,
        "microseconds": formatting.microseconds,
        "p_value": formatting.p_value,
        "metric_name": formatting.name_of,
        "metric_value": formatting.value_of,
        "metric_interval": formatting.interval_of,
    }
    return made

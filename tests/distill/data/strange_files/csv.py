"""Strange CSV files."""

from __future__ import annotations

from tests.distill.data.strange_files.case import Case, Read, Refused, table, texts

CASES = (
    Case("an empty file", b"", Refused(("rows.csv is empty",))),
    Case(
        "a missing column", table(("a",)), Refused(("no column 'y'", "Is the first line a header?")), {"columns": ["y"]}
    ),
    Case(
        "a header that begins like another format's first bytes",
        table(("red", "blue", "green"), name="ORC"),
        Read(kinds={"ORC": "category", "size": "number"}, quiet=True),
    ),
    Case(
        "cells of HTML",
        table(("<p>red</p>", "<html>blue</html>", "<?xml?>"), name="<b>x</b>"),
        Read(kinds={"<b>x</b>": "category", "size": "number"}, quiet=True),
    ),
    Case("a header alone", "x,label\n", Refused(("a header and no rows",))),
    Case(
        "delimited by tabs and called .tsv",
        table(("red", "green", "blue"), delimiter="\t"),
        Read(kinds={"x": "category", "size": "number"}, values={"x": ("blue", "green", "red")}, quiet=True),
        data={"source": "csv"},
        file="rows.tsv",
    ),
    Case(
        "UTF-8 with a mark",
        lambda: texts(("Grüße aus Köln", "naïve café")).encode("utf-8-sig"),
        Read(kinds={"text": "text"}, labels=("no", "yes"), quiet=True),
        data={"text": "body"},
    ),
)

"""Strange files of JSON Lines."""

from __future__ import annotations

from tests.distill.data.strange_files.case import Case, Refused

CASES = (Case("an empty file", b"", Refused(("rows.jsonl is empty",)), file="rows.jsonl"),)

"""Strange Parquet files, and cells of every Arrow type."""

from __future__ import annotations

from tests.distill.data.strange_files.case import Case, Refused

CASES = (
    Case("random bytes", b"\x01\x02\x03" * 100, Refused(("rows.parquet is not a Parquet file",)), file="rows.parquet"),
)

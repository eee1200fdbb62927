"""Strange Parquet files, and cells of every Arrow type."""

from __future__ import annotations

import datetime
import io
import uuid
from collections.abc import Mapping
from decimal import Decimal

import pyarrow
from pyarrow import parquet

from tests.distill.data.strange_files.case import Case, Read, Refused, table

FILE = "rows.parquet"


def file(columns: Mapping[str, object]) -> bytes:
    """A Parquet file of these columns, each Arrow's or a list, a number and two classes, in 60 rows."""
    rest = {"size": [i * 1.5 for i in range(60)], "label": [("no", "yes")[i % 2] for i in range(60)]}
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table({**columns, **rest}), buffer)
    return buffer.getvalue()


def cells(values: list[object], kind: pyarrow.DataType | None = None) -> bytes:
    """A file whose column x has these values over and over."""
    return file({"x": pyarrow.array([values[i % len(values)] for i in range(60)], kind)})


def without_rows() -> bytes:
    """A file with columns and no rows."""
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table({"x": pyarrow.array([], "string"), "label": pyarrow.array([], "string")}), buffer)
    return buffer.getvalue()


def invalid_utf8(row: int) -> bytes:
    """A file whose column x calls itself text and is not, in one row."""
    values = [(b"red", b"blue")[i % 2] for i in range(60)]
    values[row - 1] = b"\xff\xfe"
    return file({"x": pyarrow.Array.from_buffers(pyarrow.string(), 60, pyarrow.array(values).buffers())})


def instants(zone: str | None, unit: str = "ms", of_day: int = 3_600) -> bytes:
    """A file whose column x holds two points in time of 1970 in a zone."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    numbers = pyarrow.array([(i % 2) * of_day * per_second for i in range(60)], "int64")
    return file({"x": numbers.cast(pyarrow.timestamp(unit, zone))})


def storage(kind: pyarrow.DataType, values: list[object]) -> bytes:
    """A file whose column x is of an extension type, stored so."""
    stored = pyarrow.array([values[i % len(values)] for i in range(60)], kind.storage_type)
    return file({"x": pyarrow.ExtensionArray.from_storage(kind, stored)})


def case(name: str, content: bytes, expected: Read | Refused, **data: object) -> Case:
    return Case(name, content, expected, data, FILE)


def words(*values: object, **more: object) -> Read:
    return Read(kinds={"x": "category", "size": "number"}, values={"x": values}, **more)  # type: ignore[arg-type]


def numbers(*values: object, **more: object) -> Read:
    return Read(kinds={"x": "number", "size": "number"}, values={"x": values}, **more)  # type: ignore[arg-type]


def left_out(*parts: str) -> Read:
    return Read(kinds={"size": "number"}, notes=("column 'x' is left out", *parts))


_KEY = uuid.UUID(int=5)
_STRUCTS = [{"age": i, "home": {"city": ("Ulm", "Bonn")[i % 2]}, "tags": ["a"]} for i in range(60)]
_BYTES = (pyarrow.binary(), pyarrow.large_binary(), pyarrow.binary_view(), pyarrow.binary(4))
_TEXTS = (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view())
_ZONES = ("UTC", "Europe/Berlin", "US/Pacific-New", "GMT+2", "+02:00", "-05:30", "Nowhere/Else")
_LISTS = (pyarrow.list_(pyarrow.int32()), pyarrow.large_list(pyarrow.int32()), pyarrow.list_(pyarrow.int32(), 2))
_WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_DECIMALS = (pyarrow.decimal32(5, 2), pyarrow.decimal64(10, 2), pyarrow.decimal128(20, 2), pyarrow.decimal256(50, 2))

CASES = (
    case("random bytes", b"\x01\x02\x03" * 100, Refused(("rows.parquet is not Parquet",))),
    case("an empty file", b"", Refused(("rows.parquet is empty", "wanted Parquet"))),
    case("a file that is cut off", cells(["a"])[:-50], Refused(("is not a whole Parquet file", "Fetch it again"))),
    case("CSV", table(["red", "blue"]).encode(), Refused(('is text, wanted Parquet. Set data.source = "csv"',))),
    case("JSON Lines", b'{"x": 1, "label": "a"}\n' * 9, Refused(('Set data.source = "jsonl"',))),
    case("an encrypted footer", b"PARE" + b"\x15" * 50 + b"PARE", Refused(("an encrypted footer", "Decrypt it"))),
    case("without rows", without_rows(), Refused(("has columns and no rows",))),
    case("holes alone", cells([None], pyarrow.null()), left_out("it is empty")),
    case("true and false", cells([True, False, None]), words("true", "false", "")),
    *(case(f"whole numbers as {kind}", cells([1, 7, 100, None], kind), numbers(1, 7, 100, None)) for kind in _WHOLE),
    *(
        case(f"{kind} as a category", cells([0.1, 0.25], kind), words("0.1", "0.25"), types={"x": "category"})
        for kind in (pyarrow.float16(), pyarrow.float32(), pyarrow.float64())
    ),
    case("a large float32", cells([16777216.0, 0.5], pyarrow.float32()), numbers(16777216.0, 0.5)),
    case("NaN beside null", cells([0.5, float("nan"), None, 2.0]), numbers(0.5, 2.0, None)),
    case(
        "whole numbers beyond 2^53",
        cells([2**53 + 1, 2**53 + 2]),
        words("9007199254740993", "9007199254740994"),
        types={"x": "category"},
    ),
    case(
        "whole numbers beyond int64",
        cells([2**64 - 1, 2**64 - 2], pyarrow.uint64()),
        words("18446744073709551615", "18446744073709551614"),
        types={"x": "category"},
    ),
    *(
        case(f"{kind}", cells([Decimal("1.50"), Decimal("-2.25"), None], kind), numbers(1.5, -2.25, None))
        for kind in _DECIMALS
    ),
    case(
        "a decimal of ten places",
        cells([Decimal("0.0000000001"), Decimal(1)], pyarrow.decimal128(20, 10)),
        Read(kinds={"x": "number", "size": "number"}),
    ),
    *(
        case(f"text as {kind}", cells(["red", "blue", None], kind), words("red", "blue", "", quiet=True))
        for kind in _TEXTS
    ),
    case("text that is not UTF-8", invalid_utf8(7), left_out("row 7 holds bytes that are not UTF-8")),
    case(
        "text that is not UTF-8, asked for",
        invalid_utf8(7),
        Refused(("'x' (data.columns): row 7 holds",)),
        columns=["x", "size"],
    ),
    case(
        "text that is not UTF-8, not asked for",
        invalid_utf8(7),
        Read(kinds={"size": "number"}, quiet=True),
        columns=["size"],
    ),
    *(
        case(f"text as {kind}", cells([b"open", b"shut"], kind), words("open", "shut", notes=("bytes that are UTF-8",)))
        for kind in _BYTES
    ),
    *(
        case(f"bytes as {kind}", cells([b"\0\x01\x02\xff", b"open"], kind), left_out("row 1 is not UTF-8 text", "CAST"))
        for kind in _BYTES
    ),
    case(
        "bytes, asked for",
        cells([b"\0\x01\x02\xff"]),
        Refused(("row 1 is not UTF-8 text", "CAST(x AS VARCHAR)"), never=("Flatten", "flatten")),
        columns=["x"],
    ),
    *(
        case(
            f"dates as {kind}",
            cells([datetime.date(2024, 3, 1), datetime.date(2024, 3, 2), None], kind),
            words("2024-03-01", "2024-03-02", "", notes=("'x' holds dates",)),
        )
        for kind in (pyarrow.date32(), pyarrow.date64())
    ),
    *(
        case(
            f"times as {kind}",
            cells([datetime.time(8, 30), datetime.time(9, 0, 0, 500_000)], kind),
            words("08:30:00", "09:00:00.5"),
        )
        for kind in (pyarrow.time32("ms"), pyarrow.time64("us"), pyarrow.time64("ns"))
    ),
    *(
        case(f"points in time in {unit}", instants(None, unit), words("1970-01-01 00:00:00", "1970-01-01 01:00:00"))
        for unit in ("s", "ms", "us", "ns")
    ),
    *(
        case(
            f"points in time in the zone {zone}", instants(zone), words("1970-01-01 00:00:00Z", "1970-01-01 01:00:00Z")
        )
        for zone in _ZONES
    ),
    case(
        "a zone that nobody knows is noted",
        instants("US/Pacific-New"),
        Read(notes=("column 'x' is in the zone US/Pacific-New, and is read in UTC",)),
    ),
    case(
        "a point in time out of range",
        file({"x": pyarrow.array([2**62] * 60, "int64").view(pyarrow.timestamp("us", "UTC"))}),
        left_out("row 1 holds a timestamp[us] out of range"),
    ),
    *(
        case(
            f"lengths of time in {unit}",
            file(
                {
                    "x": pyarrow.array([(i % 2 + 1) * 1500 * per for i in range(60)], "int64").view(
                        pyarrow.duration(unit)
                    )
                }
            ),
            numbers(1500, 3000, notes=("column 'x' is a length of time, and is read as seconds",)),
        )
        for unit, per in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9))
    ),
    case(
        "a dictionary of words",
        file({"x": pyarrow.array(["red", None, "blue"] * 20).dictionary_encode()}),
        words("red", "blue", "", quiet=True),
    ),
    case("a dictionary of numbers", file({"x": pyarrow.array([1.5, 2.5] * 30).dictionary_encode()}), numbers(1.5, 2.5)),
    case("keys as uuid", storage(pyarrow.uuid(), [_KEY.bytes, None]), words(str(_KEY), "")),
    case("JSON", storage(pyarrow.json_(), ['{"a": 1}', '{"a": 2}']), words('{"a": 1}', '{"a": 2}')),
    case("true and false as bool8", storage(pyarrow.bool8(), [1, 0, None]), words("true", "false", "")),
    *(case(f"{kind}", cells([[1, 2]], kind), left_out("flatten it into columns")) for kind in _LISTS),
    case("a map", cells([[("a", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int32())), left_out("flatten it")),
    case("structs", file({"x": _STRUCTS}), left_out("name its parts, as in 'x.age', 'x.home.city'")),
    case(
        "structs, asked for",
        file({"x": _STRUCTS}),
        Refused(("'x' (data.columns)", "name its parts, as in 'x.age'")),
        columns=["x"],
    ),
    case(
        "parts of structs",
        file({"x": _STRUCTS}),
        Read(kinds={"x.home.city": "category", "size": "number"}, values={"x.home.city": ("Ulm", "Bonn")}),
        columns=["x.home.city", "size"],
    ),
    case(
        "a list in structs",
        file({"x": _STRUCTS}),
        Refused(("'x.tags' (data.columns)", "flatten it")),
        columns=["x.tags"],
    ),
    case(
        "a misspelt part",
        file({"x": _STRUCTS}),
        Refused(("no column 'x.agee'", "Did you mean 'x.age'?"), never=("first line",)),
        columns=["x.agee"],
    ),
    case(
        "a column that is called like a part",
        file({"x": _STRUCTS, "x.age": ["red", "blue"] * 30}),
        Read(values={"x.age": ("red", "blue")}),
        columns=["x.age", "size"],
    ),
    case(
        "a missing column",
        file({"x": ["a", "b"] * 30}),
        Refused(("no column 'y'",), never=("first line",)),
        columns=["y"],
    ),
)

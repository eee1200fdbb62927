"""Strange cells: numbers as people write them, characters that nobody sees, words for nothing."""

from __future__ import annotations

import json

from tests.distill.data.files import csv_text
from tests.distill.data.strange_files.case import Case, Read, Refused, table


def numbers(name: str, cells: tuple[str, ...], values: tuple[float | None, ...], *notes: str) -> Case:
    """A column that is read as these numbers."""
    return Case(name, table(cells), Read(kinds={"x": "number", "size": "number"}, values={"x": values}, notes=notes))


def words(name: str, cells: tuple[str, ...], values: tuple[str, ...], *notes: str) -> Case:
    """A column that is read as these categories."""
    return Case(name, table(cells), Read(kinds={"x": "category", "size": "number"}, values={"x": values}, notes=notes))


def asked(name: str, cells: tuple[str, ...], *parts: str) -> Case:
    """A column of which only a person can tell what it is."""
    return Case(name, table(cells), Refused(("column 'x'", *parts)))


def _labels(*labels: str) -> str:
    return csv_text(("x", "label"), [(i * 1.5, labels[i % len(labels)]) for i in range(60)])


def _soft(*pairs: tuple[str, str]) -> str:
    rows = [(f"row {i} says {'good' if i % 2 else 'bad'}", ("1.0", "0.0")[i % 2], *pairs[i % 2]) for i in range(60)]
    return csv_text(("body", "label", "p_1.0", "p_0.0"), rows)


NUMBERS = (
    numbers("a minus sign of mathematics", ("\u22121.5", "2", "\u22123"), (-3, -1.5, 2)),
    numbers("dashes as minus", ("\u20131", "\u20142", "\ufe633", "\uff0d4", "\u20105"), (-5, -4, -3, -2, -1)),
    numbers("a minus behind", ("12.5-", "3", "4-"), (-12.5, -4, 3)),
    numbers("negatives in brackets", ("(12.5)", "3", "(1,234.50)"), (-1234.5, -12.5, 3)),
    numbers("an exponent behind a decimal comma", ("1,29E+02", "2,5E-01", "3,0E0"), (0.25, 3, 129)),
    numbers("groups as India writes them", ("1,25,456.00", "12,34,567.50", "99"), (99, 125456, 1234567.5)),
    numbers("a spreadsheet's formulas of text", ('="5"', '="-6.5"', '="7"'), (-6.5, 5, 7)),
    numbers("a spreadsheet's apostrophes", ("'5", "'6.5", "'-7"), (-7, 5, 6.5)),
    numbers("full-width digits", ("\uff11\uff12", "\uff13\uff0e\uff15", "\uff0b\uff14"), (3.5, 4, 12)),
    numbers("Arabic digits", ("\u0661\u0662", "\u0663\u066b\u0665", "\u0661\u066c\u0662\u0663\u0664\u066b\u0665"),
            (3.5, 12, 1234.5)),
    numbers("Devanagari digits", ("\u0967\u0968", "\u0969.\u096b"), (3.5, 12)),
    numbers("a leading mark of zero width", ("\u200b5", "\ufeff6.5", "\u20607"), (5, 6.5, 7)),
    numbers("marks of direction", ("\u200e5", "\u202a-6\u202c", "\u061c7"), (-6, 5, 7)),
    numbers("dollars", ("$5", "-$6.50", "$-7", "($8)", "$1,234.00"), (-8, -7, -6.5, 5, 1234), "'$'"),
    numbers("euros behind decimal commas", ("5,50 €", "-6 €", "1.234,00 €"), (-6, 5.5, 1234), "'€'"),
    numbers("codes of a currency", ("EUR 5", "EUR -6,5", "EUR 7"), (-6.5, 5, 7), "'EUR'"),
    numbers("money with its sign here and there", ("$5", "6", "$7", "8"), (5, 6, 7, 8), "'$'"),
    numbers("per cent", ("5 %", "-6,5%", "+7 %", "\u22128 %"), (-8, -6.5, 5, 7), "'%'"),
    numbers("one unit", ("5 kg", "6.5kg", "1 200 kg"), (5, 6.5, 1200), "'kg'"),
    numbers("spaces of every kind between thousands", ("1\u00a0234", "1\u202f234,5", "2 000", "1\u2009000"),
            (1000, 1234, 1234.5, 2000)),
    numbers("thousands beside decimals that are clear", ("1,234", "12.5", "2,000"), (12.5, 1234, 2000)),
    numbers("points between thousands beside decimal commas", ("1.234", "12,5", "2.000"), (12.5, 1234, 2000)),
    numbers("a word for a hole", ("5", "unknown", "6", "7"), (None, 5, 6, 7), "count as missing"),
    numbers("holes of many names", ("5", "n/a", "NULL", "-", "?", "#N/A", "\u00a0", "6", "7"), (None, 5, 6, 7)),
    asked("commas that may part thousands or decimals", ("1,234", "2,000", "3"), "may part thousands or decimals"),
    asked("per cent here and there", ("5 %", "0.06", "7 %"), "different signs or units ('%', none)"),
    asked("negatives in a form that is not read", (*map(str, range(100, 112)), "5:", "6:", "7:"), "'9:'"),
    asked("numbers and words", ("1", "2", "3", "4", "a", "b"), "mixes numbers and words"),
    words("two units", ("5 kg", "600 g", "7 kg", "800 g", "9 lb", "1 lb"),
          ("1 lb", "5 kg", "600 g", "7 kg", "800 g", "9 lb"), "different signs or units"),
    words("digits in a form that is no number", ("12:30", "13:45", "09:15"), ("09:15", "12:30", "13:45"), "'9:9'"),
    words("codes that begin with zero", ("007", "012", "120"), ("007", "012", "120"), "read as codes"),
    words("codes that a spreadsheet keeps as text", ('="007"', "'012", "120"), ("007", "012", "120"), "as codes"),
    Case("a column of too many decimals for its commas", table(("1,2345", "2,5000", "3,25")),
         Read(kinds={"x": "number", "size": "number"}, values={"x": (1.2345000505447388, 2.5, 3.25)})),
)  # fmt: skip
UNSEEN = (
    words("padded categories", ("open      ", "closed    ", "open"), ("closed", "open")),
    words("space of every kind", ("\u00a0open", "open\u3000", "closed\u2003", "half  open"),
          ("closed", "half open", "open")),
    words("marks of zero width in categories", ("o\u200bpen", "open\ufeff", "clo\u00adsed", "closed\u2060"),
          ("closed", "open")),
    words("both forms of an accent", ("caf\u00e9", "cafe\u0301", "the"), ("caf\u00e9", "the")),
    words("joiners where they are needed", ("👩\u200d🔬", "می\u200cخواهم", "x\u200dy"),
          ("xy", "می\u200cخواهم", "👩\u200d🔬")),
    words("truth in three spellings", ("True", "FALSE", "true "), ("false", "true")),
    words("whole numbers among words", ("7.0", "7", "b", "c", "d", "e"), ("7", "b", "c", "d", "e")),
    Case("two marks before the header", "\ufeff\ufeff" + table(("red", "blue")),
         Read(kinds={"x": "category", "size": "number"})),
    Case("a mark inside a header", table(("red", "blue"), name="co\u200blour\u00a0"),
         Read(kinds={"colour": "category", "size": "number"})),
    Case("a name that is seen alike twice", csv_text(("x", "x\u200b", "label"), [(1, 2, i % 2) for i in range(60)]),
         Refused(("'x'",))),
    Case("a missing column shows what is not seen", table(("red", "blue")),
         Refused(("no column 'yy'",)), {"columns": ["y\u200by"]}),
    Case("a label with a mark of zero width", _labels("spam", "ham", "spam\u200b"),
         Read(labels=("ham", "spam"), notes=("'spam\\u200b' as 'spam'",))),
    Case("padded labels", _labels("spam", "ham ", "spam   "), Read(labels=("ham", "spam"))),
    Case("labels that differ in case", _labels("spam", "ham", "Spam"), Refused(("'Spam'", "'spam'", "case"))),
    Case("whole numbers as labels, written with a point", _labels("0.0", "1.0", ""), Read(labels=("0", "1"))),
    Case("truth as labels", _labels("True", "FALSE"), Read(labels=("false", "true"))),
    Case("a teacher's probabilities with a decimal comma", _soft(("0,851", "0,149"), ("0,1", "0,9")),
         Read(labels=("0", "1")), {"text": "body", "soft_label_prefix": "p_"}),
    Case("a teacher's probabilities in per cent", _soft(("85,1 %", "14,9 %"), ("10 %", "90 %")),
         Read(labels=("0", "1")), {"text": "body", "soft_label_prefix": "p_"}),
    Case("a teacher's probabilities that are words", _soft(("high", "low"), ("0.1", "0.9")),
         Refused(("'p_0.0'", "holds no number of 0 or more")), {"text": "body", "soft_label_prefix": "p_"}),
    Case("JSON's numbers among words", "\n".join(
        json.dumps({"x": [7.0, 7, "red", True, 1.5, None][i % 6], "size": i * 1.5, "label": i % 2}) for i in range(60)),
        Read(values={"x": ("7", "red", "true", "1.5", "")}), {"types": {"x": "category"}}, file="rows.jsonl"),
    Case("JSON's labels of floats", "\n".join(
        json.dumps({"x": i * 1.5, "label": [0.0, 1.0][i % 2]}) for i in range(60)),
        Read(labels=("0", "1")), file="rows.jsonl"),
)  # fmt: skip
CASES = (*NUMBERS, *UNSEEN)

"""Files through mappings: numbers of rows, types, joins, groups, and what can be wrong."""

import csv
import gzip
import io
import json
import unicodedata
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.mapping_file import read_mapping
from customering.kernel.errors import (
    Absent,
    CustomeringError,
    InvalidDefinition,
    InvalidFile,
    Unavailable,
)
from customering.kernel.money import to_minor
from customering.stores import mapped as mapped_module
from customering.stores.mapped import read_mapped

VISITS = """
name = "crm"
event = "Visit Booked"
id = ["booking"]
occurred_at = "day"
currency = "EUR"
identifiers.email = "mail"
"""
ORDERS = """
name = "shop/orders"
event = "Order Completed"
group_by = ["order"]
occurred_at = "day"
currency = "EUR"
identifiers.loyalty_card = "card"
properties.order_id = {column = "order", type = "string"}
properties.revenue_minor = {sum = "amount_minor"}
products.product_id = "sku"
products.amount_minor = {column = "amount", unit = "major"}
"""
HEADER = "booking,day,mail,x\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


def read(path: Path, text: str):
    return list(read_mapped(path, read_mapping(text)))


def one_field(folder: Path, cell: str, field: str, more: str = ""):
    """Read one CSV cell as a field x; give its value, or the reason it was set aside."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(["1", "2017-06-01", "ada@example.org", cell])
    path = write(folder, "one.csv", HEADER + buffer.getvalue())
    target = "x_minor" if '"major"' in field or '"minor"' in field else "x"
    (only,) = read(path, f"{VISITS}properties.{target} = {field}\n{more}")
    return only.reason or only.payload["properties"].get(target)


# Formats and numbers of rows


def test_csv_rows_are_numbered_by_the_line_they_start_on(tmp_path):
    path = write(
        tmp_path,
        "a.csv",
        '\ufeffbooking,day,mail,x\r\n1,2017-06-01,a@x.org,"two\r\nlines"\r\n\r\n'
        "2,2017-06-02,b@x.org,plain\r\n3,not a day,c@x.org,\r\n",
    )
    rows = read(path, VISITS + 'properties.x = "x"')
    assert [row.number for row in rows] == [2, 5, 6]
    assert rows[0].payload["properties"]["x"] == "two\r\nlines"
    assert rows[0].payload["timestamp"] == "2017-06-01T00:00:00.000Z"
    assert rows[2].reason == "column day does not hold a date and time"
    assert rows[2].raw == [{"booking": "3", "day": "not a day", "mail": "c@x.org", "x": None}]


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl.gz"])
def test_ndjson_rows_keep_their_types_and_line_numbers(tmp_path, name):
    lines = [
        '{"booking": 1, "day": "2017-06-01", "who": {"mail": "a@x.org"}, "x": [1, {"y": null}]}',
        "",
        '{"booking": 2, "day": "2017-06-01", "who": {"mail": "b@x.org"}, "x": 2.5}',
        "{broken",
        "[1]",
        '{"booking": 3, "day": "2017-06-01", "who": {"mail": "b@x.org"}, "x": "t", "late": 1}',
    ]
    path = write(tmp_path, name, "\n".join(lines))
    rows = read(path, VISITS.replace('"mail"', '"who.mail"') + 'properties.x = "x"')
    assert [row.number for row in rows] == [1, 3, 4, 5, 6]
    assert [row.payload and row.payload["properties"]["x"] for row in rows] == [
        [1, {"y": None}],
        2.5,
        None,
        None,
        "t",
    ]
    assert rows[2].reason == "the line is no JSON object"
    assert rows[2].raw == ["{broken"]
    assert rows[0].payload["identifiers"] == {"email": "a@x.org"}


def test_parquet_rows_keep_their_types_and_are_counted_over_row_groups(tmp_path):
    path = tmp_path / "visits [1].parquet"
    table = pa.table(
        {
            "booking": pa.array(range(10_000), pa.int64()),
            "day": pa.array([datetime(2017, 6, 1, 12, tzinfo=UTC).replace(tzinfo=None)] * 10_000),
            "mail": pa.array(["a@x.org"] * 9_999 + [None]),
            "x": pa.array([1.5, float("nan"), None] + [2.0] * 9_996 + [float("inf")]),
            "y": pa.array([[{"z": 1}]] * 10_000),
        }
    )
    pq.write_table(table, path, row_group_size=1_000)
    rows = read(path, VISITS + 'properties.x = "x"\nproperties.y = "y"\nproperties.day = "day"')
    assert [row.number for row in rows] == list(range(1, 10_001))
    assert rows[0].payload["properties"] == {
        "x": 1.5,
        "y": [{"z": 1}],
        "day": "2017-06-01T12:00:00.000Z",
    }
    assert "x" not in rows[1].payload["properties"]
    assert "x" not in rows[2].payload["properties"]
    assert rows[-1].reason == "column x does not hold a finite number"
    assert len({row.payload["messageId"] for row in rows[:-1]}) == 9_999


def test_strange_json_harms_only_its_own_line(tmp_path):
    start = '{"booking": %d, "day": "2017-06-01", "mail": "a@x.org", "x": '
    values = ["1e999", "[" * 2_000 + "]" * 2_000, '{"y":' * 900 + "1" + "}" * 900, '"\\ud800"']
    good = ["1" * 30, '"a\\u0000b"', "true", "null", '{"y": 1}', '"last"']
    lines = [start % n + value + "}" for n, value in enumerate([*values, *good])]
    rows = read(write(tmp_path, "a.ndjson", "\n".join(lines)), VISITS + 'properties.x = "x"')
    assert [row.number for row in rows] == list(range(1, 11))
    assert [bool(row.reason) for row in rows[:2]] == [True, True]
    assert rows[3].reason
    got = [row.payload["properties"].get("x") for row in rows[4:]]
    assert got == [int("1" * 30), "a\0b", True, None, None, "last"]


def test_every_type_of_parquet_becomes_json_or_is_set_aside(tmp_path):
    far = 10**18
    columns = {
        "decimal": pa.array([Decimal("1.50"), None], pa.decimal128(20, 2)),
        "huge": pa.array([2**64 - 1, 5], pa.uint64()),
        "date": pa.array([17_318, far // 10**12], pa.date32()),
        "time": pa.array([1, 2], pa.time64("us")),
        "ns": pa.array([1, 2], pa.timestamp("ns")),
        "zoned": pa.array([0, 1_000], pa.timestamp("ms", "Europe/Amsterdam")),
        "bytes": pa.array([b"a\x00", None]),
        "word": pa.array(["a", "b"]).dictionary_encode(),
        "flag": pa.array([True, None]),
        "small": pa.array([0.5, float("nan")], pa.float32()),
        "struct": pa.array([{"a": 1}, None]),
        "empty": pa.nulls(2),
        "future": pa.array([0, far], pa.timestamp("us")),
    }
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"booking": [1, 2], "mail": ["a", "b"], **columns}), path)
    text = VISITS.replace('"day"', '{value = "2017-06-01"}')
    text += "".join(f'properties.{name} = "{name}"\n' for name in columns)
    first, second = read(path, text)
    assert first.payload["properties"] == {
        "decimal": 1.5,
        "huge": 2**64 - 1,
        "date": "2017-06-01",
        "time": "00:00:00.000001",
        "ns": "1970-01-01T00:00:00.000Z",
        "zoned": "1970-01-01T00:00:00.000Z",
        "bytes": "a\\x00",
        "word": "a",
        "flag": True,
        "small": 0.5,
        "struct": {"a": 1},
        "future": "1970-01-01T00:00:00.000Z",
    }
    assert second.reason == "column future does not hold a date and time"


def test_whole_numbers_kept_as_floats_are_good_identifiers(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {"booking": [1.0, 2.0], "day": ["2017-06-01"] * 2, "mail": [900.0, 1e15]}
    pq.write_table(pa.table(columns), path)
    rows = read(path, VISITS)
    assert [row.payload["identifiers"]["email"] for row in rows] == ["900", "1000000000000000"]


def test_other_encodings_delimiters_and_decimals(tmp_path):
    path = write(
        tmp_path, "a.csv", "booking;day;mail;x\n1;01/06/2017;Zoë;1.234,5\n".encode("cp1252")
    )
    text = (
        VISITS.replace('"day"', '{column = "day", format = "%d/%m/%Y"}')
        + 'properties.x_minor = {column = "x", unit = "major"}\n'
        + '[file]\nencoding = "cp1252"\ndelimiter = ";"\ndecimal = ","'
    )
    (row,) = read(path, text)
    assert row.payload["identifiers"] == {"email": "Zoë"}
    assert row.payload["properties"]["x_minor"] == 123_450
    assert row.payload["timestamp"].startswith("2017-06-01")


def is_blank(cell):
    return all(unicodedata.category(character) == "Zs" for character in cell)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=8),
            min_size=2,
            max_size=2,
        ),
        max_size=12,
    )
)
def test_any_text_survives_csv(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("csv")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["n", "x", "y"])
    for number, pair in enumerate(cells):
        writer.writerow([number, *pair])
    path = write(folder, "a.csv", buffer.getvalue())
    rows = read(
        path,
        'name = "t"\nevent = "T"\nid = ["n"]\noccurred_at = {value = "2017-01-01"}\n'
        'identifiers.number = "n"\nproperties.x = "x"\nproperties.y = "y"',
    )
    got = [(row.payload["properties"].get("x"), row.payload["properties"].get("y")) for row in rows]
    assert got == [tuple(None if is_blank(cell) else cell for cell in pair) for pair in cells]


# What can be wrong with a file


def test_a_line_of_the_wrong_width_is_set_aside_and_the_rest_goes_on(tmp_path):
    path = write(tmp_path, "a.csv", HEADER + "1,2017-06-01,a@x.org\n2,2017-06-01,b@x.org,1\n")
    rows = read(path, VISITS)
    assert rows[0].reason == "it has 3 cells, not 4"
    assert rows[0].raw == ["1,2017-06-01,a@x.org"]
    assert rows[1].payload is not None


def test_a_quote_that_is_never_closed_does_not_end_the_import(tmp_path):
    path = write(
        tmp_path, "a.csv", HEADER + '1,2017-06-01,a@x.org,"a"b\n2,2017-06-01,b@x.org,1\n3,4,"5\n6\n'
    )
    rows = read(path, VISITS)
    assert [(row.number, row.payload is None) for row in rows] == [(2, True), (3, False), (4, True)]
    assert "up to line 5" in rows[2].reason


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        ("a.csv", "", InvalidFile, "a.csv is empty"),
        ("a.csv", "\n\n", InvalidFile, "a.csv is empty"),
        ("a.csv.gz", "", InvalidFile, "a.csv.gz is empty"),
        ("a.ndjson", "\n", InvalidFile, "a.ndjson is empty"),
        ("a.parquet", "", InvalidFile, "a.parquet is empty"),
        ("a.parquet", "PAR1 and no end", InvalidFile, "cannot be read as Parquet"),
        ("a.xlsx", "PK", InvalidFile, "a.xlsx is of no format"),
        ("a.csv", HEADER + "1,2017-06-01,Zo\xeb,1\n", InvalidFile, "line 2: the text is not utf-8"),
        ("a.csv", "\xff\xfeb\x00", InvalidFile, "line 1: the text is not utf-8"),
        ("a.csv", "booking,day,mail,mail\n", InvalidFile, "two columns of the name 'mail'"),
        ("a.csv", "booking,dag,mail,x\n", InvalidDefinition, "no column 'day'"),
        ("a.ndjson", '{"booking": 1, "mail": 2}\n', InvalidDefinition, "no column 'day'"),
        ("missing.csv", None, Absent, "There is no file missing.csv"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name, content, kind, words):
    path = tmp_path / name
    if content is not None:
        write(tmp_path, name, content.encode("latin-1"))
    with pytest.raises(kind) as raised:
        read(path, VISITS)
    assert words in raised.value.message
    assert raised.value.hint


def test_a_missing_column_names_what_there_is(tmp_path):
    path = write(tmp_path, "a.csv", "booking,mail,dayy\n")
    with pytest.raises(InvalidDefinition) as raised:
        read(path, VISITS)
    assert raised.value.hint == "Did you mean dayy? It has: booking, mail, dayy."
    assert "names in occurred_at" in raised.value.message


@pytest.mark.parametrize("name", ["a.csv.gz", "a.ndjson.gz"])
def test_a_file_that_was_cut_off_gives_its_rows_and_then_an_error(tmp_path, name):
    lines = [f"{n},2017-06-01,a{n * 7919 % 10007}@x.org,{n}\n" for n in range(30_000)]
    content = HEADER + "".join(lines)
    if "ndjson" in name:
        keys = HEADER.strip().split(",")
        content = "".join(
            json.dumps(dict(zip(keys, line.strip().split(","), strict=True))) + "\n"
            for line in lines
        )
    whole = write(tmp_path, name, content).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    rows = []
    with pytest.raises(InvalidFile, match="cut off"):
        rows.extend(read_mapped(tmp_path / name, read_mapping(VISITS)))
    (tmp_path / name).write_bytes(b"no gzip at all" * 100)
    with pytest.raises(InvalidFile, match="not gzip"):
        read(tmp_path / name, VISITS)


def test_a_file_that_may_not_be_opened(tmp_path, monkeypatch):
    path = write(tmp_path, "a.csv", HEADER)

    def refuse(*arguments, **named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InvalidFile, match="cannot be opened: Permission denied"):
        read(path, VISITS)


def test_a_full_disk_is_not_the_fault_of_the_file(tmp_path, monkeypatch):
    config = {"memory_limit": "40MB", "max_temp_directory_size": "1MB", "threads": 1}
    monkeypatch.setattr(mapped_module, "_config", lambda scratch: config)
    columns = {"order": range(200_000), "card": range(200_000), "sku": ["s" * 50] * 200_000}
    table = pa.table({**columns, "amount": ["1"] * 200_000, "day": ["2017-06-01"] * 200_000})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(Unavailable, match=r"no room to sort a\.parquet"):
        read(tmp_path / "a.parquet", ORDERS)


def test_a_damaged_page_of_parquet_is_a_damaged_file(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "booking": [str(n * 7919) for n in range(50_000)],
            "day": ["2017-06-01"] * 50_000,
            "mail": [f"{n * 104729 % 10007}@x.org" for n in range(50_000)],
        }
    )
    pq.write_table(table, path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[2_000:60_000] = bytes(58_000)
    path.write_bytes(bytes(content))
    with pytest.raises(InvalidFile, match="damaged"):
        read(path, VISITS)


def test_zones_and_formats_that_do_not_exist(tmp_path):
    path = write(tmp_path, "a.csv", HEADER)
    with pytest.raises(InvalidDefinition) as raised:
        read(path, 'zone = "Europe/Amsterdm"\n' + VISITS)
    assert "Did you mean Europe/Amsterdam?" in raised.value.hint
    with pytest.raises(InvalidDefinition, match="occurred_at has a format"):
        read(path, VISITS.replace('"day"', '{column = "day", format = "%!"}'))


def test_messages_hold_no_values(tmp_path):
    path = write(tmp_path, "a.csv", HEADER + "1,2017-06-01,a@x.org,secret@x.org\n")
    (row,) = read(path, VISITS + 'properties.x = {column = "x", type = "number"}')
    assert row.reason == "column x does not hold a number"


# Types


@settings(max_examples=8, deadline=None)
@given(st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=20, max_size=200))
def test_money_is_read_as_the_kernel_reads_it(tmp_path_factory, amounts):
    folder = tmp_path_factory.mktemp("money")
    lines = [f"{n},2017-06-01,a@x.org,{amount:f}\n" for n, amount in enumerate(amounts)]
    path = write(folder, "money.csv", HEADER + "".join(lines))
    field = 'properties.x_minor = {column = "x", unit = "major"}'
    for currency in ("EUR", "JPY", "BHD"):
        rows = read(path, VISITS.replace("EUR", currency) + field)
        got = [row.payload["properties"]["x_minor"] for row in rows]
        assert got == [to_minor(f"{amount:f}", currency) for amount in amounts]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=20, max_size=200))
def test_money_in_floats_is_read_by_its_shortest_decimal_form(tmp_path_factory, amounts):
    path = tmp_path_factory.mktemp("money") / "a.parquet"
    columns = {"booking": range(len(amounts)), "x": amounts}
    table = pa.table({**columns, "day": ["2017-06-01"] * len(amounts), "mail": columns["booking"]})
    pq.write_table(table, path)
    rows = read(path, VISITS + 'properties.x_minor = {column = "x", unit = "major"}')
    got = [row.payload["properties"]["x_minor"] for row in rows]
    assert got == [to_minor(amount, "EUR") for amount in amounts]


CELLS = [
    ('{column = "x", unit = "major"}', "2.675", 268),
    ('{column = "x", unit = "major"}', " 1e2 ", 10_000),
    ('{column = "x", unit = "major"}', "$5", "column x does not hold an amount of EUR"),
    ('{column = "x", unit = "major"}', "1_000", "column x does not hold an amount of EUR"),
    ('{column = "x", unit = "major"}', "9" * 30, "column x does not hold an amount of EUR"),
    ('{column = "x", unit = "minor"}', "268", 268),
    (
        '{column = "x", unit = "minor"}',
        "2.68",
        "column x does not hold an amount in minor units of EUR",
    ),
    ('{column = "x", type = "integer"}', "-3", -3),
    ('{column = "x", type = "integer"}', "3.0", 3),
    ('{column = "x", type = "integer"}', "3.5", "column x does not hold a whole number"),
    ('{column = "x", type = "integer"}', "0x1F", "column x does not hold a whole number"),
    ('{column = "x", type = "integer"}', "9" * 30, "column x does not hold a whole number"),
    ('{column = "x", type = "number"}', "3.5e-2", 0.035),
    ('{column = "x", type = "number"}', "nan", "column x does not hold a number"),
    ('{column = "x", type = "number"}', "1e999", "column x does not hold a number"),
    ('{column = "x", type = "number"}', "1,5", "column x does not hold a number"),
    ('{column = "x", type = "boolean"}', "Yes", True),
    ('{column = "x", type = "boolean"}', "0", False),
    ('{column = "x", type = "boolean"}', "2", "column x does not hold yes or no"),
    ('{column = "x", type = "string"}', "007", "007"),
    ('"x"', " padded", " padded"),
    ('"x"', "null", "null"),
    ('{column = "x", type = "day"}', "2017-06-01", "2017-06-01"),
    ('{column = "x", type = "day"}', "2017-02-30", "column x does not hold a date"),
    ('{column = "x", type = "day", format = "%d.%m.%y"}', "01.06.17", "2017-06-01"),
    ('{column = "x", type = "instant"}', "2017-06-01", "2017-06-01T00:00:00.000Z"),
    (
        '{column = "x", type = "instant"}',
        "2017-06-01T02:00:00.5+02:00",
        "2017-06-01T00:00:00.500Z",
    ),
    ('{column = "x", type = "instant"}', "epoch", "column x does not hold a date and time"),
    ('{column = "x", unit = "s"}', "1496275200", "2017-06-01T00:00:00.000Z"),
    ('{column = "x", unit = "ms"}', "1496275200999", "2017-06-01T00:00:00.999Z"),
    ('{column = "x", unit = "us"}', "1496275200999999", "2017-06-01T00:00:00.999Z"),
    ('{column = "x", unit = "s"}', "1496275200.123", "2017-06-01T00:00:00.123Z"),
    ('{column = "x", unit = "s"}', "June", "column x does not hold a date and time"),
    ('{column = "x", unit = "s"}', "1e300", "column x does not hold a date and time"),
    ('{column = "x", type = "integer", default = 7}', "", 7),
    ('{column = "x", default = "none"}', "", "none"),
    ('"x"', "", None),
    ('{columns = ["x", "one"], type = "integer"}', "4", 5),
    ('{columns = ["x", "one"], type = "integer"}', "", 1),
    ('{columns = ["x", "x"], type = "integer"}', "", None),
    (
        '{columns = ["x", "x"], type = "number"}',
        "1e308",
        "columns x + x are too large to add up",
    ),
    (
        '{columns = ["x", "x"], type = "integer"}',
        "9000000000000000000",
        "columns x + x are too large to add up",
    ),
    ("{value = \"a 'quoted' text\"}", "", "a 'quoted' text"),
    ("{value = false}", "", False),
]


def test_a_cell_in_the_type_it_is_wanted_in(tmp_path):
    """All in one reading: case n has column xn, filled in row n alone, and field n."""
    names = [f"x{n}" for n in range(len(CELLS))]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["booking", "day", "mail", "one", *names])
    fields = []
    for n, (field, cell, _) in enumerate(CELLS):
        writer.writerow(
            [n, "2017-06-01", "a@x.org", "1", *[""] * n, cell, *[""] * (len(names) - n - 1)]
        )
        target = f"f{n}_minor" if '"major"' in field or '"minor"' in field else f"f{n}"
        own = field.replace('"x"', f'"x{n}"')
        fields.append(f"properties.{target} = {own}\n")
    rows = read(write(tmp_path, "a.csv", buffer.getvalue()), VISITS + "".join(fields))
    for n, ((field, cell, value), row) in enumerate(zip(CELLS, rows, strict=True)):
        got = row.reason.replace(f"x{n}", "x")
        if not row.reason:
            properties = row.payload["properties"]
            got = properties.get(f"f{n}", properties.get(f"f{n}_minor"))
        assert (field, cell, got, type(got)) == (field, cell, value, type(value))


def test_a_field_that_is_required(tmp_path):
    assert one_field(tmp_path, "  ", '{column = "x", required = true}') == "column x is missing"


def test_texts_that_mean_missing(tmp_path):
    for cell, value in ((" Unknown ", None), ("n/a", None), ("", ""), ("known", "known")):
        got = one_field(tmp_path, cell, '"x"', 'file.missing = ["Unknown", "n/a"]')
        assert got == value


def test_numbers_that_mean_missing(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"booking": [1, 2], "day": ["2017-06-01"] * 2, "mail": [1, 2], "x": [-1, 5]}), path
    )
    rows = read(path, VISITS + 'properties.x = "x"\nfile.missing = ["-1"]')
    assert [row.payload["properties"].get("x") for row in rows] == [None, 5]


def test_times_without_a_zone_are_in_the_zone_of_the_mapping(tmp_path):
    zone = 'zone = "Europe/Amsterdam"\n'
    path = write(tmp_path, "a.csv", HEADER + "1,2017-06-01 12:00:00,a@x.org,\n")
    (row,) = read(path, zone + VISITS)
    assert row.payload["timestamp"] == "2017-06-01T10:00:00.000Z"
    path = tmp_path / "a.parquet"
    times = pa.array([datetime(2017, 12, 1, 12)], pa.timestamp("us"))  # noqa: DTZ001
    pq.write_table(pa.table({"booking": [1], "day": times, "mail": ["a"]}), path)
    (row,) = read(path, zone + VISITS)
    assert row.payload["timestamp"] == "2017-12-01T11:00:00.000Z"


def test_the_name_of_an_event_may_stand_in_a_column(tmp_path):
    path = write(
        tmp_path, "a.csv", HEADER + "1,2017-06-01,a@x.org,Call\n2,2017-06-01,b@x.org,Visit\n"
    )
    text = VISITS.replace('"Visit Booked"', '{column = "x", required = true}')
    assert [row.payload["event"] for row in read(path, text)] == ["Call", "Visit"]


def test_where_takes_some_rows(tmp_path):
    cells = ["5", "15", "", "25"]
    lines = [f"{n},2017-06-0{n + 1},a@x.org,{cell}\n" for n, cell in enumerate(cells)]
    path = write(tmp_path, "a.csv", HEADER + "".join(lines) + "broken\n9,2017-06-01,a@x.org,abc\n")
    text = VISITS + 'filter.size = {column = "x", type = "integer"}\nfilter.day = "day"\n'

    def taken(where: str) -> list[int]:
        return [row.number for row in read(path, f"where = '{where}'\n{text}") if not row.reason]

    assert taken("size >= 10") == [3, 5]
    assert taken("not (size >= 10)") == [2, 4]
    assert taken('day < "2017-06-03" and size == 5') == [2]
    assert taken("missing(size)") == [4]
    # What cannot be judged is set aside, not dropped in silence, unless the condition drops it.
    broken = [row.reason for row in read(path, f"where = 'size > 99 or missing(size)'\n{text}")]
    assert broken == [
        "",
        "it has 1 cells, not 4",
        "column x does not hold a whole number",
    ]


# Joins


def joined(folder: Path, other: str, content: str, on: str = 'x = "sku"') -> list:
    path = write(folder, "a.csv", HEADER + "1,2017-06-01,a@x.org,007\n2,2017-06-01,b@x.org,8\n")
    write(folder, other, content)
    text = f'joins.item = {{file = "{other}", on = {{{on}}}}}\n{VISITS}properties.n = "item.name"'
    return read(path, text)


@pytest.mark.parametrize(
    ("other", "content"),
    [
        ("items.csv", "sku,name\n007,Pen\n9,Ink\n"),
        ("items.ndjson", '{"sku": "007", "name": "Pen"}\n{"sku": 9, "name": "Ink"}\n'),
    ],
)
def test_a_second_file_adds_columns_where_it_has_the_key(tmp_path, other, content):
    rows = joined(tmp_path, other, content)
    assert [row.payload["properties"].get("n") for row in rows] == ["Pen", None]


def test_a_missing_key_joins_nothing_and_may_be_repeated(tmp_path):
    path = write(
        tmp_path, "a.csv", HEADER + "1,2017-06-01,,A\n2,2017-06-01,b@x.org,\n3,2017-06-01,b,A\n"
    )
    write(tmp_path, "items.csv", "kind,who,name\nA,,Pen\nA,,Ink\n,b,Cup\nA,b,Cap\n")
    on = "file = 'items.csv', on = {x = 'kind', mail = 'who'}"
    text = f"joins.item = {{{on}}}\n{VISITS}properties.n = 'item.name'\n"
    rows = read(path, text.replace('email = "mail"', 'email = "booking"'))
    assert [row.payload["properties"].get("n") for row in rows] == [None, None, "Cap"]


def test_keys_that_are_one_as_text_are_repeated(tmp_path):
    with pytest.raises(InvalidFile, match="two rows with the same key"):
        joined(tmp_path, "items.ndjson", '{"sku": "8", "name": "a"}\n{"sku": 8, "name": "b"}\n')


def test_keys_of_different_types_are_joined_as_text(tmp_path):
    pq.write_table(pa.table({"sku": [7, 8], "name": ["Pen", "Ink"]}), tmp_path / "items.parquet")
    path = write(tmp_path, "a.csv", HEADER + "1,2017-06-01,a@x.org,8\n")
    text = 'joins.i = {file = "items.parquet", on = {x = "sku"}}\n' + VISITS
    (row,) = read(path, text + 'properties.n = "i.name"')
    assert row.payload["properties"]["n"] == "Ink"


@pytest.mark.parametrize(
    ("content", "on", "words"),
    [
        ("sku,name\n007,Pen\n007,Ink\n", 'x = "sku"', "two rows with the same key"),
        ("sku,name\n007\n", 'x = "sku"', "items.csv, line 2: it has 1 cells, not 2"),
        ("sku,name\n007,Zo\ufffd\n".replace("\ufffd", "\udceb"), 'x = "sku"', "items.csv, line 2"),
        ("sku,title\n007,Pen\n", 'x = "sku"', "no column 'item.name'"),
        ("sku,name\n007,Pen\n", 'x = "id"', "items.csv has no column 'id'"),
        ("sku,name\n007,Pen\n", 'z = "sku"', "a.csv has no column 'z'"),
        ("", 'x = "sku"', "items.csv is empty"),
    ],
)
def test_a_joined_file_must_fit(tmp_path, content, on, words):
    raw = content.encode("utf-8", "surrogateescape")
    with pytest.raises(CustomeringError) as raised:
        joined(tmp_path, "items.csv", raw, on)
    assert words in raised.value.message


# Groups

LINES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(-500, 5_000), st.integers(0, 9)),
    max_size=60,
)


@settings(max_examples=15, deadline=None)
@given(LINES, st.sampled_from(["csv", "parquet"]))
def test_grouping_is_what_a_dictionary_does(tmp_path_factory, lines, kind):
    folder = tmp_path_factory.mktemp("group")
    rows = [
        {
            "order": str(order),
            "card": str(order % 3),
            "sku": f"s{sku}",
            "amount": f"{cents / 100:.2f}" if fault else "abc",
            "day": f"2017-06-0{sku + 1}",
        }
        for order, sku, cents, fault in lines
    ]
    path = folder / f"lines.{kind}"
    names = ["order", "card", "sku", "amount", "day"]
    if kind == "csv":
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(rows)
    else:
        columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in names}
        pq.write_table(pa.table(columns), path, row_group_size=7)
    first_number = 2 if kind == "csv" else 1
    expected = defaultdict(list)
    for number, row in enumerate(rows, first_number):
        expected[row["order"]].append((number, row))
    got = read(path, ORDERS)
    assert len(got) == len(expected)
    for mapped, (order, numbered) in zip(got, expected.items(), strict=True):
        bad = [number for number, row in numbered if row["amount"] == "abc"]
        assert mapped.rows == len(numbered)
        assert mapped.number == (bad[0] if bad else numbered[0][0])
        if bad:
            assert mapped.payload is None
            continue
        amounts = [to_minor(row["amount"], "EUR") for _, row in numbered]
        properties = mapped.payload["properties"]
        assert properties["order_id"] == order
        assert properties["revenue_minor"] == sum(amounts)
        assert [line["amount_minor"] for line in properties["products"]] == amounts
        assert [line["product_id"] for line in properties["products"]] == [
            row["sku"] for _, row in numbered
        ]
        assert mapped.payload["timestamp"][:10] == max(row["day"] for _, row in numbered)


def test_rows_without_a_key_are_set_aside_one_by_one(tmp_path):
    path = write(
        tmp_path,
        "a.csv",
        "order,card,sku,amount,day\n,1,s,1,2017-06-01\n5,1,s,1,2017-06-01\n,1,s,1,2017-06-01\n",
    )
    rows = read(path, ORDERS)
    assert [(row.number, row.rows, row.reason) for row in rows] == [
        (2, 1, "column order is missing"),
        (3, 1, ""),
        (4, 1, "column order is missing"),
    ]


def test_a_constant_in_place_of_an_order_number_is_no_order(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_module, "_ROWS_AN_EVENT_MAX", 3)
    lines = "0,1,s,1,2017-06-01\n" * 5 + "7,1,s,1,2017-06-01\n"
    rows = read(write(tmp_path, "a.csv", "order,card,sku,amount,day\n" + lines), ORDERS)
    assert [(row.rows, row.reason) for row in rows] == [
        (5, "5 rows share one order, more than 3"),
        (1, ""),
    ]


def test_a_reading_that_is_left_early_lets_go_of_its_file(tmp_path):
    lines = "".join(f"{n},2017-06-01,a@x.org,\n" for n in range(50_000))
    reading = read_mapped(write(tmp_path, "a.csv", HEADER + lines), read_mapping(VISITS))
    assert next(reading).number == 2
    reading.close()
    assert list(reading) == []

"""Parts of many shapes, written by pyarrow and DuckDB, read by Sluice and by them.

opteryx_formats.py BASE-URL CASE: exits 0 when rows and columns are the same.
"""

import datetime
import decimal
import io
import json
import pathlib
import random
import sys
import tempfile

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import requests

URL, CASE = sys.argv[1:]


def put(data, name):
    sid = requests.post(f"{URL}/v1/upload/session", data=b"", timeout=60).json()["session_id"]
    answer = requests.put(f"{URL}/v1/upload/{sid}", params={"part": 0}, data=data, timeout=120,
                          headers={"x-file-name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()


def opteryx(kind):
    """What an Arrow type is called."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"ARRAY<{opteryx(kind.value_type)}>"
    if pa.types.is_struct(kind) or pa.types.is_map(kind):
        return "NVARCHAR"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return f"TIMESTAMP[{'ms' if kind.unit == 's' else kind.unit}]"  # Parquet has no seconds
    if pa.types.is_time(kind):
        return "TIME"
    if pa.types.is_date(kind):
        return "DATE"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "VARCHAR"
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_large_binary(kind):
        return "VARBINARY"
    if pa.types.is_dictionary(kind):
        return opteryx(kind.value_type)
    names = {"bool": "BOOL", "float": "FLOAT32", "halffloat": "FLOAT32", "double": "FLOAT64",
             "null": "NULL"}
    return names.get(str(kind), str(kind).upper())


def parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def same_parquet(data):
    """Rows, names and types as pyarrow's reader of the same bytes says."""
    read = pq.ParquetFile(io.BytesIO(data))
    report = put(data, "x.parquet")
    assert report["rows"] == read.metadata.num_rows
    got = [(c["name"], c["type"]) for c in report["schema"]["columns"]]
    schema = read.schema_arrow
    wanted = [(f.name, opteryx(f.type)) for f in schema]
    assert got == wanted, [pair for pair in zip(got, wanted) if pair[0] != pair[1]][:5]


ALL = {
    "b": (pa.bool_(), True), "i8": (pa.int8(), 1), "i16": (pa.int16(), 1), "i32": (pa.int32(), 1),
    "i64": (pa.int64(), 1), "u8": (pa.uint8(), 1), "u16": (pa.uint16(), 1), "u32": (pa.uint32(), 1),
    "u64": (pa.uint64(), 1), "f16": (pa.float16(), 1.0), "f32": (pa.float32(), 1.0),
    "f64": (pa.float64(), 1.0), "s": (pa.string(), "x"), "ls": (pa.large_string(), "x"),
    "bin": (pa.binary(), b"x"), "fix": (pa.binary(4), b"xxxx"),
    "d32": (pa.date32(), datetime.date(2026, 1, 2)),
    "t_ms": (pa.time32("ms"), datetime.time(1, 2)), "t_us": (pa.time64("us"), datetime.time(1, 2)),
    "t_ns": (pa.time64("ns"), datetime.time(1, 2)),
    "ts_ms": (pa.timestamp("ms"), datetime.datetime(2026, 1, 2)),
    "ts_us": (pa.timestamp("us"), datetime.datetime(2026, 1, 2)),
    "ts_ns": (pa.timestamp("ns"), datetime.datetime(2026, 1, 2)),
    "ts_utc": (pa.timestamp("us", "UTC"), datetime.datetime(2026, 1, 2)),
    "dec": (pa.decimal128(10, 2), decimal.Decimal("1.50")),
    "dec38": (pa.decimal128(38, 0), decimal.Decimal(1)),
    "n": (pa.null(), None), "l": (pa.list_(pa.int32()), [1]),
    "ll": (pa.list_(pa.list_(pa.string())), [["x"]]),
    "st": (pa.struct([("a", pa.int8()), ("b", pa.list_(pa.int8()))]), {"a": 1, "b": [1]}),
    "lst": (pa.list_(pa.struct([("a", pa.int8())])), [{"a": 1}]),
    "m": (pa.map_(pa.string(), pa.int32()), [("k", 1)]),
}


def all_types(rows):
    return pa.table({name: pa.array([value] * rows, kind) for name, (kind, value) in ALL.items()})


def parquet_all_types():
    for version in ("1.0", "2.4", "2.6"):
        table = all_types(10)
        if version != "2.6":
            table = table.drop_columns(["ts_ns", "t_ns"])
        if version == "1.0":
            table = table.drop_columns(["u32"])  # stored as a wider integer
        same_parquet(parquet(table, version=version))
    same_parquet(parquet(all_types(10), compression="zstd", use_dictionary=False))
    same_parquet(parquet(all_types(10), data_page_version="2.0"))


def parquet_empty():
    same_parquet(parquet(all_types(0)))
    same_parquet(parquet(pa.table({"a": pa.array([], pa.int64())})))


def parquet_required():
    schema = pa.schema([pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.string())])
    same_parquet(parquet(pa.table({"a": [1], "b": ["x"]}, schema=schema)))


def parquet_wide():
    data = parquet(pa.table({f"column_{i}": [i] for i in range(10000)}))
    same_parquet(data)
    sid = requests.post(f"{URL}/v1/upload/session", data=b"", timeout=60).json()["session_id"]
    for part in range(3):
        requests.put(f"{URL}/v1/upload/{sid}?part={part}", data=data, timeout=60,
                     headers={"x-file-name": "x.parquet"}).raise_for_status()
    found = requests.get(f"{URL}/v1/upload/{sid}/inspect", timeout=60).json()
    assert len(found["schema"]["columns"]) == 10000 and found["rows_estimate"] == 3
    name = {"workspace": "peer", "collection": "formats", "dataset": "wide"}
    for mode in ("overwrite", "append"):
        made = requests.post(f"{URL}/v1/upload/{sid}/commit", timeout=60,
                             json={"target": name, "conflict_resolution": mode})
        assert made.status_code == (200 if mode == "overwrite" else 409), made.text
    shown = requests.get(f"{URL}/v1/datasets/peer.formats.wide", timeout=60).json()
    assert len(shown["schema"]["columns"]) == 10000


def parquet_many_groups():
    data = parquet(pa.table({"a": list(range(1000)), "b": ["x"] * 1000}), row_group_size=1)
    assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == 1000
    same_parquet(data)


def parquet_encrypted_or_cut():
    data = parquet(pa.table({"a": list(range(1000))}))
    sid = requests.post(f"{URL}/v1/upload/session", data=b"", timeout=60).json()["session_id"]
    choose = random.Random(7)
    for cut in [0, 3, 4, 11, 12, len(data) - 1, *(choose.randrange(len(data)) for _ in range(40))]:
        answer = requests.put(f"{URL}/v1/upload/{sid}?part=0", data=data[:cut], timeout=60,
                              headers={"x-file-name": "x.parquet"})
        assert answer.status_code == 422, (cut, answer.text)
    assert requests.get(f"{URL}/v1/upload/{sid}/inspect", timeout=60).status_code == 204


def parquet_by_duckdb():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.parquet"
        duckdb.sql("""COPY (SELECT i::TINYINT AS i8, i::SMALLINT AS i16, i::INTEGER AS i32,
            i::BIGINT AS i64, i::UTINYINT AS u8, i::USMALLINT AS u16, i::UINTEGER AS u32,
            i::UBIGINT AS u64, i::FLOAT AS f32, i::DOUBLE AS f64, i::VARCHAR AS s,
            i::VARCHAR::BLOB AS b, (i > 3) AS t, DATE '2026-01-02' AS d, TIME '01:02:03' AS tm,
            TIMESTAMP '2026-01-02 03:04:05' AS ts, (i / 7)::DECIMAL(12, 3) AS de, [i, i] AS l,
            {'a': i, 'b': [i]} AS st, MAP {'k': i} AS m
            FROM range(10000) r(i) WHERE i < 100) TO '%s' (FORMAT parquet)""" % path)
        same_parquet(path.read_bytes())
        duckdb.sql(f"COPY (SELECT 1 AS a WHERE false) TO '{path}' (FORMAT parquet)")
        same_parquet(path.read_bytes())


def parquet_in_place():
    """A committed dataset read by pyarrow over HTTP, with ranges."""
    import pyarrow.dataset  # noqa: F401

    table = pa.table({"a": list(range(100000)), "s": [f"x{i}" for i in range(100000)]})
    data = parquet(table, row_group_size=10000)
    sid = requests.post(f"{URL}/v1/upload/session", data=b"", timeout=60).json()["session_id"]
    requests.put(f"{URL}/v1/upload/{sid}?part=0", data=data, timeout=60,
                 headers={"x-file-name": "x.parquet"}).raise_for_status()
    name = {"workspace": "peer", "collection": "formats", "dataset": "in_place"}
    commit = requests.post(f"{URL}/v1/upload/{sid}/commit", timeout=60,
                           json={"target": name, "conflict_resolution": "overwrite"}).json()
    listed = requests.get(f"{URL}/v1/datasets/peer.formats.in_place/snapshots/{commit['commit_id']}",
                          timeout=60).json()["files"]

    class Remote(io.RawIOBase):
        """A file of ranges."""

        def __init__(self, url, size):
            self.url, self.size, self.at, self.fetched = url, size, 0, 0

        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, offset, whence=0):
            self.at = offset + {0: 0, 1: self.at, 2: self.size}[whence]
            return self.at

        def tell(self):
            return self.at

        def read(self, count=-1):
            count = self.size - self.at if count < 0 else min(count, self.size - self.at)
            if count <= 0:
                return b""
            got = requests.get(self.url, timeout=60, headers={
                "Range": f"bytes={self.at}-{self.at + count - 1}"})
            assert got.status_code == 206 and len(got.content) == count
            self.at += count
            self.fetched += count
            return got.content

    remote = Remote(listed[0]["url"], listed[0]["bytes"])
    read = pq.ParquetFile(remote)
    assert read.read_row_group(3).to_pydict() == table.slice(30000, 10000).to_pydict()
    assert remote.fetched < len(data) / 3, "only what was needed travelled"
    assert pq.read_table(Remote(listed[0]["url"], listed[0]["bytes"])).equals(table)


def random_cell(choose):
    return choose.choice([
        lambda: str(choose.randint(-10 ** 6, 10 ** 6)), lambda: f"{choose.uniform(-9, 9):.3f}",
        lambda: choose.choice(["true", "false", "True"]), lambda: "",
        lambda: '"' + choose.choice(["a,b", 'say ""hi""', "two\nlines", "", "plain"]) + '"',
        lambda: choose.choice(["text", "é", "2026-01-02", "10.0.0.1", "x y"])])()


def csv_random():
    """Rows as pyarrow counts them, and types where the two rules are alike."""
    choose = random.Random(42)
    for trial in range(60):
        kinds = [choose.choice(["int", "float", "bool", "text", "any"]) for _ in range(choose.randint(1, 6))]
        end = choose.choice(["\n", "\r\n"])
        lines = [",".join(f"c{i}" for i in range(len(kinds)))]
        for _ in range(choose.randint(0, 200)):
            cells = {"int": lambda: str(choose.randint(-99, 10 ** 12)),
                     "float": lambda: f"{choose.uniform(-9, 9):.4f}",
                     "bool": lambda: choose.choice(["true", "false"]),
                     "text": lambda: f'"t{choose.randint(0, 9)},{end}"',
                     "any": lambda: random_cell(choose)}
            lines.append(",".join(cells[k]() for k in kinds))
        data = (end.join(lines) + choose.choice(["", end])).encode()
        read = pa.csv.read_csv(io.BytesIO(data), parse_options=pa.csv.ParseOptions(
            newlines_in_values=True), convert_options=pa.csv.ConvertOptions(null_values=[""]))
        report = put(data, "x.csv")
        assert report["rows"] == read.num_rows, (trial, report["rows"], read.num_rows, data)
        for kind, column, field in zip(kinds, report["schema"]["columns"], read.schema):
            if kind != "any" and read.num_rows:
                assert column["type"] == opteryx(field.type), (trial, column, field)


def ndjson_random():
    choose = random.Random(43)

    def value(depth=0):
        made = [lambda: choose.randint(-10 ** 9, 10 ** 9), lambda: choose.uniform(-9, 9),
                lambda: choose.choice([True, False]), lambda: None,
                lambda: choose.choice(["", "x", "é", 'q"\\', "\n"])]
        if depth < 3:
            made += [lambda: [value(depth + 1)], lambda: {"k": value(depth + 1)}]
        return choose.choice(made)()

    for _ in range(40):
        rows = [{f"c{i}": value() for i in range(choose.randint(0, 5))} for _ in range(choose.randint(1, 100))]
        data = "".join(json.dumps(r, ensure_ascii=choose.random() < 0.5) + "\n" for r in rows).encode()
        assert put(data, "x.ndjson")["rows"] == len(rows)
    rows = [{"i": i, "f": i / 3, "b": i % 2 == 0, "s": f"x{i}", "n": None} for i in range(500)]
    data = "".join(json.dumps(r) + "\n" for r in rows).encode()
    read = pa.json.read_json(io.BytesIO(data))
    report = put(data, "x.ndjson")
    assert report["rows"] == read.num_rows
    assert [(c["name"], c["type"]) for c in report["schema"]["columns"]] == [
        (f.name, opteryx(f.type)) for f in read.schema]


globals()[CASE]()

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
import ending
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
    if isinstance(kind, pa.BaseExtensionType):
        return {"extension<arrow.uuid>": "VARBINARY"}.get(str(kind), "NVARCHAR")  # or JSON
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return f"ARRAY<{opteryx(kind.value_type)}>"
    if pa.types.is_struct(kind) or pa.types.is_map(kind):
        return "NVARCHAR"
    if pa.types.is_duration(kind):
        return "INT64"  # Parquet has none; the unit stands in pyarrow's own metadata
    if pa.types.is_decimal(kind) and kind.precision > 38:
        return "VARBINARY"  # more digits than Opteryx has
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


def same_parquet(data, kind=None):
    """Rows, names and types as pyarrow's reader of the same bytes says; kind: that type instead."""
    read = pq.ParquetFile(io.BytesIO(data))
    report = put(data, "x.parquet")
    assert report["rows"] == read.metadata.num_rows
    got = [(c["name"], c["type"]) for c in report["schema"]["columns"]]
    schema = read.schema_arrow
    wanted = [(f.name, kind or opteryx(f.type)) for f in schema]
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


def every_type():
    """Every type that pyarrow makes, each with one value."""
    moment, day, time = datetime.datetime(2026, 1, 2, 3), datetime.date(2026, 1, 2), datetime.time(1, 2)
    found = dict(ALL)
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Europe/Zurich", "+05:30"):
            found[f"ts_{unit}_{zone}"] = (pa.timestamp(unit, zone), moment)
        found[f"duration_{unit}"] = (pa.duration(unit), datetime.timedelta(seconds=5))
    for unit, kind in (("s", pa.time32), ("ms", pa.time32), ("us", pa.time64), ("ns", pa.time64)):
        found[f"time_{unit}"] = (kind(unit), time)
    found["date64"] = (pa.date64(), day)
    for digits in range(1, 39):
        for scale in {0, digits // 2, digits}:
            found[f"dec128_{digits}_{scale}"] = (pa.decimal128(digits, scale), decimal.Decimal(0))
    for digits in (1, 5, 9):
        found[f"dec32_{digits}"] = (pa.decimal32(digits, 1), decimal.Decimal(0))
    for digits in (10, 18):
        found[f"dec64_{digits}"] = (pa.decimal64(digits, 2), decimal.Decimal(0))
    for digits in (1, 38, 39, 76):
        found[f"dec256_{digits}"] = (pa.decimal256(digits, 0), decimal.Decimal(0))
    for size in (1, 16, 1000):
        found[f"fixed_{size}"] = (pa.binary(size), b"x" * size)
    found.update({
        "large_binary": (pa.large_binary(), b"x"), "large_list": (pa.large_list(pa.int8()), [1]),
        "fixed_list": (pa.list_(pa.float32(), 3), [1.0, 2.0, 3.0]),
        "list_of_fixed": (pa.list_(pa.list_(pa.int64(), 2)), [[1, 2]]),
        "list_of_null": (pa.list_(pa.null()), [None]),
        "list_of_decimal": (pa.list_(pa.decimal128(12, 3)), [decimal.Decimal(1)]),
        "list_of_map": (pa.list_(pa.map_(pa.string(), pa.int8())), [[("k", 1)]]),
        "map_of_list": (pa.map_(pa.int32(), pa.list_(pa.string())), [(1, ["x"])]),
        "map_of_map": (pa.map_(pa.string(), pa.map_(pa.string(), pa.int8())), [("k", [("l", 1)])]),
        "one_member": (pa.struct([("a", pa.int8())]), {"a": 1}),
        "uuid": (pa.uuid(), b"0123456789abcdef"), "json": (pa.json_(), "{}")})
    for size in ("int8", "uint16", "int32", "int64"):
        found[f"dict_{size}"] = (pa.dictionary(getattr(pa, size)(), pa.string()), "x")
    found["dict_of_binary"] = (pa.dictionary(pa.int32(), pa.binary()), b"x")
    deep, value = pa.int32(), 1
    for level in range(12):
        deep, value = (pa.list_(deep), [value]) if level % 3 else (pa.struct([("m", deep)]), {"m": value})
    found["deep"] = (deep, value)
    deep, value = pa.string(), "x"
    for _ in range(15):
        deep, value = pa.list_(deep), [value]
    found["deep_list"] = (deep, value)
    return found


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


def parquet_every_type():
    found = every_type()
    table = pa.table({name: pa.array([value, None], kind) for name, (kind, value) in found.items()})
    assert len(found) > 180, len(found)
    for options in ({}, {"store_schema": False}, {"compression": "none", "data_page_version": "2.0"},
                    {"use_deprecated_int96_timestamps": True}, {"use_compliant_nested_type": False},
                    {"store_decimal_as_integer": True}):
        same_parquet(parquet(table, **options))


def parquet_codecs():
    for codec in ("none", "snappy", "gzip", "brotli", "lz4", "zstd"):
        for page in ("1.0", "2.0"):
            same_parquet(parquet(all_types(1000), compression=codec, data_page_version=page))
    same_parquet(parquet(all_types(100), write_page_index=True, write_page_checksum=True,
                         use_byte_stream_split=["f32", "f64"], use_dictionary=False))


def parquet_odd_names():
    names = ["", " ", "a b", "a.b", 'q"q', "back\\slash", "tab\t", "line\nend", "é", "日本語", "😀",
             "e\u0301", "\u202eabc", "\u200b", "\ufeff", "\x7f", "x" * 1024, "ARRAY<INT64>", "name", "NAME"]
    same_parquet(parquet(pa.table({name: [1] for name in names})))
    two = pa.Table.from_arrays([pa.array([1]), pa.array(["x"])], names=["a", "a"])
    same_parquet(parquet(two))


def parquet_no_columns():
    same_parquet(parquet(pa.table({})))


def parquet_large_footer():
    """A footer of more than 16 MiB: what stands in it beside the columns is passed over."""
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema) as writer:
        writer.write_table(table, row_group_size=1)
        writer.add_key_value_metadata({"k": "x" * (20 << 20)})
    data = sink.getvalue()
    assert int.from_bytes(data[-8:-4], "little") > 16 << 20
    report = put(data, "x.parquet")
    assert report["rows"] == 2
    assert [(c["name"], c["type"]) for c in report["schema"]["columns"]] == [
        ("a", "INT64"), ("b", "VARCHAR")]


def parquet_encrypted():
    """By pyarrow: the footer, or one column below a plain footer."""
    import base64

    import pyarrow.parquet.encryption as pe

    class Keys(pe.KmsClient):
        """Wraps keys in nothing."""

        def __init__(self, _config):
            super().__init__()

        def wrap_key(self, key, _master):
            return base64.b64encode(key)

        def unwrap_key(self, wrapped, _master):
            return base64.b64decode(wrapped)

    factory = pe.CryptoFactory(Keys)
    for plain in (False, True):
        config = pe.EncryptionConfiguration(footer_key="footer", column_keys={"column": ["a"]},
                                            plaintext_footer=plain)
        props = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
        data = parquet(pa.table({"a": [1], "b": [2]}), encryption_properties=props)
        sid = requests.post(f"{URL}/v1/upload/session", data=b"", timeout=60).json()["session_id"]
        answer = requests.put(f"{URL}/v1/upload/{sid}?part=0", data=data, timeout=60,
                              headers={"x-file-name": "x.parquet"})
        assert answer.status_code == 422 and "encrypted" in answer.text, (plain, answer.text)


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


def parquet_cut():
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


# What DuckDB calls its types, a value of each, and what they are here where pyarrow's word would not do.
DUCKDB = {
    "BOOLEAN": "true", "TINYINT": "1", "SMALLINT": "1", "INTEGER": "1", "BIGINT": "1", "UTINYINT": "1",
    "USMALLINT": "1", "UINTEGER": "1", "UBIGINT": "1", "HUGEINT": "1", "UHUGEINT": "1", "FLOAT": "1",
    "DOUBLE": "1", "VARCHAR": "'x'", "BLOB": "'x'::BLOB", "BIT": "'101'", "DATE": "'2026-01-02'",
    "TIME": "'01:02:03'", "TIME_NS": "'01:02:03'", "TIMETZ": "'01:02:03+02'", "TIMESTAMP": "'2026-01-02'",
    "TIMESTAMP_S": "'2026-01-02'", "TIMESTAMP_MS": "'2026-01-02'", "TIMESTAMP_NS": "'2026-01-02'",
    "TIMESTAMPTZ": "'2026-01-02'", "INTERVAL": "INTERVAL 1 DAY", "BIGNUM": "1", "JSON": "'{}'",
    "UUID": "uuid()", "ENUM('x', 'y')": "'x'", "INTEGER[]": "[1]", "VARCHAR[][]": "[['x']]",
    "FLOAT[3]": "[1, 2, 3]", "STRUCT(a INTEGER, b VARCHAR[])": "{'a': 1, 'b': ['x']}",
    "STRUCT(a STRUCT(b STRUCT(c INTEGER)))": "{'a': {'b': {'c': 1}}}",
    "MAP(VARCHAR, INTEGER)": "MAP {'k': 1}", "MAP(INTEGER, VARCHAR[])": "MAP {1: ['x']}",
    "STRUCT(a INTEGER)[]": "[{'a': 1}]", "UNION(num INTEGER, str VARCHAR)": "1", "DECIMAL(4, 1)": "1",
    "DECIMAL(9, 2)": "1", "DECIMAL(18, 3)": "1", "DECIMAL(38, 10)": "1", "DECIMAL(38, 38)": "0",
    "VARIANT": "1",
}
DUCKDB_HERE = {"INTERVAL": "INTERVAL", "JSON": "NVARCHAR", "VARIANT": "VARIANT"}


def parquet_every_type_of_duckdb():
    refused = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.parquet"
        for kind, value in DUCKDB.items():
            for codec, version in (("snappy", "v1"), ("zstd", "v2"), ("uncompressed", "v1")):
                try:
                    duckdb.sql(f"COPY (SELECT ({value})::{kind} AS a UNION ALL SELECT NULL) TO '{path}' "
                               f"(FORMAT parquet, COMPRESSION {codec}, PARQUET_VERSION {version})")
                except duckdb.Error as error:
                    refused.append((kind, str(error)[:100]))
                    continue
                same_parquet(path.read_bytes(), DUCKDB_HERE.get(kind))
    print("not written by DuckDB:", refused)


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


ending.run(globals()[CASE])

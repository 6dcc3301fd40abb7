"""Published CSV and JSON files, and RFC 4180's edges, as Sluice, pyarrow and DuckDB read them.

opteryx_corpora.py BASE-URL CASE FOLDER: exits 0 when rows, names and types are the same, or differ as
DIFFERENT_TYPES and EDGES say.  FOLDER holds the packages of corpora.txt.
"""

import collections
import io
import json
import pathlib
import sys
import tempfile

import duckdb
import ending
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import requests

URL, CASE, FOLDER = sys.argv[1:]

# What a reader's type is called here.
SAME = {"int64": "INT64", "double": "FLOAT64", "bool": "BOOL", "null": "NULL", "string": "TEXT",
        "BIGINT": "INT64", "DOUBLE": "FLOAT64", "BOOLEAN": "BOOL", "VARCHAR": "TEXT"}
# Ours (with VARCHAR and NVARCHAR as TEXT), theirs, why they differ.
DIFFERENT_TYPES = [
    ("TEXT", "date32[day]", "dates stay text"),
    ("TEXT", "timestamp[s]", "dates stay text"),
    ("TEXT", "DATE", "dates stay text"),
    ("TEXT", "TIMESTAMP", "dates stay text"),
    ("TEXT", "BOOL", "Yes and No are text"),
    ("INT64", "HUGEINT", "DuckDB's type of JSON integers of both signs"),
]

# RFC 4180, section 2, and what its readers meet beside it: content, our rows and first row's values,
# and what the others say instead of the same, with the reason.  "error": it is refused.
RAGGED = "ragged rows are stored here, and told as an issue"
MIXED_ENDS = "DuckDB takes one kind of line end a file, in quotes too"
LENIENT = "stored here; DuckDB's strict mode refuses it"
HEAD = "a,b\n"
EDGES = [
    ("rule 1: records end with CRLF", "a,b\r\n1,x\r\n2,y\r\n", 2, {}),
    ("rule 2: the last one need not", "a,b\r\n1,x\r\n2,y", 2, {}),
    ("rule 3: a header alone", "a,b\r\n", 0, {}),
    ("rule 4: spaces are part of a field", HEAD + " x , y \n", 1, {}),
    ("rule 5: quoted fields", HEAD + '"1","x"\n', 1, {}),
    ("rule 5: a quoted header", '"a","b"\n1,x\n', 1, {}),
    ("rule 6: a comma in quotes", HEAD + '"1,5",x\n', 1, {}),
    ("rule 6: CRLF in quotes", HEAD + '1,"x\r\ny"\r\n2,z\r\n', 2,
     {"duckdb": (None, MIXED_ENDS)}),
    ("rule 6: LF in quotes", HEAD + '1,"x\ny"\n2,z\n', 2, {}),
    ("rule 7: quotes in quotes", HEAD + '1,"say ""x"""\n2,""""\n', 2, {}),
    ("empty fields", HEAD + ",\n,x\n1,\n", 3, {}),
    ("empty quoted fields", HEAD + '"",""\n"",x\n', 2, {}),
    ("LF alone", HEAD + "1,x\n2,y\n", 2, {}),
    ("CR alone", "a,b\r1,x\r2,y\r", 2, {}),
    ("a byte order mark", "\ufeff" + HEAD + "1,x\n", 1, {}),
    ("blank lines", HEAD + "\n1,x\n\n\n2,y\n\n", 2, {}),
    ("a line end in a quoted name", 'a,"b\nc"\n1,x\n', 1, {}),
    ("characters of one to four bytes", "a,é\nñ,日\n😀,x\n", 2, {}),
    ("a field of 100,000 bytes", HEAD + "1," + "x" * 100000 + "\n2,y\n", 2, {}),
    ("a quoted field of 5,000 lines", HEAD + '1,"' + "x\n" * 5000 + '"\n2,y\n', 2, {}),
    ("one column", "a\n1\n2\n", 2, {}),
    ("one column, an empty quoted field", 'a\n1\n""\n2\n', 3, {}),
    ("a thousand columns", ",".join(f"c{i}" for i in range(1000)) + "\n" + "1," * 999 + "1\n", 1, {}),
    ("CRLF and LF mixed", "a,b\r\n1,x\n2,y\r\n3,z\n", 3, {"duckdb": (None, MIXED_ENDS)}),
    ("too few fields", HEAD + "1\n2,y\n", 2,
     {"pyarrow": (None, RAGGED), "duckdb": (None, RAGGED)}),
    ("too many fields", HEAD + "1,x,z\n2,y\n", 2,
     {"pyarrow": (None, RAGGED), "duckdb": (None, RAGGED)}),
    ("a comma at the end", HEAD + "1,x,\n2,y,\n", 2, {"pyarrow": (None, RAGGED)}),
    ("text behind a closing quote", HEAD + '1,"x"y\n2,z\n', 2, {"duckdb": (None, LENIENT)}),
    ("a quote in a plain field", HEAD + '1,x"y\n2,z\n', 2, {}),
    ("a quote left open", HEAD + '1,"x\n2,y\n', 1, {"duckdb": (None, LENIENT)}),
    ("two columns of one name", "a,a\n1,x\n", 1, {}),
    ("a column without a name", "a,\n1,x\n", 1, {}),
    ("nothing", "", None, {"duckdb": (0, "it takes a file of 0 bytes for a table")}),
]
NDJSON_EDGES = [
    ("the last line end is optional", '{"a":1}\n{"a":2}', 2, {}),
    ("CRLF", '{"a":1}\r\n{"a":2}\r\n', 2, {}),
    ("blank lines", '{"a":1}\n\n \n{"a":2}\n\n', 2, {}),
    ("a byte order mark", '\ufeff{"a":1}\n', 1, {}),
    ("white space", ' { "a" : 1 } \n', 1, {}),
    ("empty objects among others", '{}\n{"a":1}\n{}\n', 3, {}),
    ("members in any order", '{"a":1,"b":2}\n{"b":3,"a":4}\n{"b":5}\n', 3, {}),
    ("escapes", '{"a":"\\u00e9\\ud83d\\ude00\\n\\"\\\\"}\n', 1, {}),
    ("nested values", '{"a":{"b":[1,null],"c":{}}}\n', 1, {}),
    ("an integer past 64 bits", '{"a":123456789012345678901234567890}\n', 1, {}),
    ("numbers of all shapes", '{"a":-0,"b":1e5,"c":-1.5E-3}\n', 1, {}),
    ("a value of 100,000 bytes", '{"a":"' + "x" * 100000 + '"}\n{"a":"y"}\n', 2, {}),
    ("types that disagree", '{"a":1}\n{"a":"x"}\n', 2, {"pyarrow": (None, "text here, told as an issue")}),
    ("a name twice", '{"a":1,"a":2}\n', 1, {"pyarrow": (None, "RFC 8259 lets them stand")}),
    ("an object over two lines", '{"a":\n1}\n', None,
     {"pyarrow": (1, "it reads objects one behind another, whatever the lines")}),
    ("two objects in a line", '{"a":1} {"a":2}\n', None,
     {"pyarrow": (2, "it reads objects one behind another, whatever the lines")}),
    ("a row that is no object", '{"a":1}\n[1]\n', None, {"duckdb": (2, "it makes one column of JSON values")}),
    ("a comma behind the last member", '{"a":1,}\n', None, {"duckdb": (1, "not RFC 8259")}),
    ("NaN", '{"a":NaN}\n', None,
     {"pyarrow": (1, "not RFC 8259"), "duckdb": (1, "not RFC 8259")}),
    ("cut off", '{"a":1}\n{"a"', None, {}),
    ("nothing", "", 0, {"pyarrow": (None, "it knows no table without columns")}),
]


def put(data, name):
    sid = requests.post(f"{URL}/v1/upload/session", data=b"", timeout=60).json()["session_id"]
    answer = requests.put(f"{URL}/v1/upload/{sid}", params={"part": 0}, data=data, timeout=120,
                          headers={"x-file-name": name})
    if answer.status_code != 201:
        return None
    report = answer.json()
    return report["rows"], [(c["name"], c["type"]) for c in report["schema"]["columns"]]


def by_pyarrow(data, kind):
    source = io.BytesIO(data)
    if kind == "csv":
        table = pa.csv.read_csv(
            source, read_options=pa.csv.ReadOptions(use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(null_values=[""], strings_can_be_null=True))
    else:
        table = pa.json.read_json(source, read_options=pa.json.ReadOptions(use_threads=False))
    return table.num_rows, [(f.name, str(f.type)) for f in table.schema]


def by_duckdb(data, kind):
    with tempfile.NamedTemporaryFile(suffix=f".{kind}") as file:
        file.write(data)
        file.flush()
        how = ("read_csv('%s', header=true, delim=',', quote='\"', escape='\"', sample_size=-1, "
               "null_padding=false)" if kind == "csv" else
               "read_json('%s', format='newline_delimited', sample_size=-1)") % file.name
        rows = duckdb.sql(f"SELECT count(*) FROM {how}").fetchall()[0][0]
        shown = duckdb.sql(f"DESCRIBE SELECT * FROM {how}").fetchall()
    return rows, [(name, kind) for name, kind, *_ in shown]


def outcome(reader, data, kind):
    try:
        return reader(data, kind)
    except (pa.ArrowException, duckdb.Error) as error:
        return None, str(error)


def compare(label, kind, data, found):
    """Checks one content; counts the differences that are known."""
    ours = put(data, f"x.{kind}")
    assert ours, f"{label}: refused"
    for reader in (by_pyarrow, by_duckdb):
        rows, columns = reader(data, kind)
        assert ours[0] == rows, (label, reader.__name__, ours[0], rows)
        assert [n for n, _ in ours[1]] == [n for n, _ in columns], (label, reader.__name__)
        for (name, mine), (_, theirs) in zip(ours[1], columns):
            mine = "TEXT" if mine.endswith("VARCHAR") else mine
            theirs = SAME.get(theirs, theirs.split("<")[0].split("(")[0])
            if theirs.endswith("[]"):
                theirs = "list"
            if mine != theirs:
                found[reader.__name__, mine, theirs].append(f"{label}:{name}")


def report(found):
    known = {(mine, theirs): why for mine, theirs, why in DIFFERENT_TYPES}
    bad = []
    for (reader, mine, theirs), where in sorted(found.items()):
        why = known.get((mine, theirs))
        print(f"{reader}: {mine} here, {theirs} there, {len(where)} columns ({where[0]}): {why}")
        if not why:
            bad.append((reader, mine, theirs, where[:5]))
    assert not bad, bad


def rows_of(path):
    """The objects of a JSON file that is one array of them, else None."""
    made = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(made, list) and made and all(isinstance(row, dict) for row in made):
        return made
    return None


def ndjson(rows, ascii_only):
    return "".join(json.dumps(row, ensure_ascii=ascii_only, default=str) + "\n" for row in rows).encode()


def corpora():
    found = collections.defaultdict(list)
    files = sorted(p for p in pathlib.Path(FOLDER).rglob("*") if p.suffix in (".csv", ".json"))
    rows = 0
    for path in files:
        label, data = path.name, path.read_bytes()
        if path.suffix == ".csv":
            compare(label, "csv", data, found)
            made = pa.csv.read_csv(io.BytesIO(data), parse_options=pa.csv.ParseOptions(
                newlines_in_values=True)).to_pylist()
        else:
            made = rows_of(path)
        if made:
            rows += len(made)
            for ascii_only in (True, False):
                compare(label, "ndjson", ndjson(made, ascii_only), found)
    assert len(files) > 15 and rows > 50000, (len(files), rows)
    print(f"{len(files)} files, {rows} rows")
    report(found)


def edges_of(kind, cases):
    wrong = []
    for label, content, rows, others in cases:
        data = content.encode()
        ours = put(data, f"x.{kind}")
        said = {"here": ours and ours[0]}
        wanted = {"here": rows}
        for name, reader in (("pyarrow", by_pyarrow), ("duckdb", by_duckdb)):
            said[name] = outcome(reader, data, kind)[0]
            wanted[name] = others.get(name, (rows,))[0]
        if said != wanted:
            wrong.append((label, said, wanted))
    assert not wrong, "\n".join(map(str, wrong))


def edges():
    edges_of("csv", EDGES)
    edges_of("ndjson", NDJSON_EDGES)


ending.run(globals()[CASE])

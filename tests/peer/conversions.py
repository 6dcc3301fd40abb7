"""Random tables as CSV and NDJSON, converted, and read by others: pyarrow, DuckDB and polars.

  conversions.py CONVERT FOLDER COUNT [SEED]

Each file that is made must hold the values, types and nulls that were written as text.
"""

import base64
import datetime
import ipaddress
import json
import math
import random
import subprocess
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow.parquet

from parquet_tables import compare, make


def moment(r, value):
    """One of the forms of ISO 8601 that say the same."""
    shown = value.isoformat(sep=r.choice("T "))
    if r.random() < 0.3:
        minutes = r.choice((-330, -60, 0, 120, 345))
        local = value + datetime.timedelta(minutes=minutes)
        sign = "-" if minutes < 0 else "+"
        colon = r.choice((":", ""))
        return (local.isoformat(sep=r.choice("T "))
                + f"{sign}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}")
    return shown + r.choice(("", "Z"))


def text_of(r, word, value):
    if word == "BOOL":
        return r.choice(("true", "TRUE", "t", "1")) if value else r.choice(("false", "False", "0"))
    if word == "IPV4":
        return str(ipaddress.IPv4Address(value))
    if word.startswith("TIMESTAMP"):
        return moment(r, value)
    if word in ("DATE", "TIME"):
        return value.isoformat()
    if word.startswith("DECIMAL"):
        return format(value, r.choice("fE"))
    if word.startswith("FLOAT"):
        return repr(value)
    return str(value)


def as_csv(r, words, table):
    """The content, and the rows that are in it: CSV has no empty texts and no bytes."""
    order = r.sample(range(len(words)), len(words))
    lines, rows = [",".join(f"c{i}" for i in order)], []
    for row in table:
        row = [value.hex().encode() if word == "VARBINARY" and value is not None else value
               for word, value in zip(words, row)]
        cells = []
        for i in order:
            value = row[i]
            text = "" if value is None else (value.decode() if isinstance(value, bytes)
                                             else text_of(r, words[i], value))
            if any(c in text for c in ',"\r\n') or r.random() < 0.1 or (not text and len(words) == 1):
                text = '"' + text.replace('"', '""') + '"'
            cells.append(text)
        lines.append(",".join(cells))
        rows.append([None if value in ("", b"") else value for value in row])
    end = r.choice(("\n", "\r\n"))
    return (end.join(lines) + r.choice(("", end))).encode(), rows


def json_of(r, word, value):
    """The text of a member's value."""
    if value is None:
        return "null"
    if word == "VARBINARY":
        return json.dumps(base64.b64encode(value).decode())
    if word == "VARIANT":
        return value
    if word == "BOOL":
        return "true" if value else "false"
    number = word.startswith(("INT", "UINT", "DECIMAL")) or (
        word.startswith("FLOAT") and math.isfinite(value))
    text = text_of(r, word, value)
    return text if number and r.random() < 0.9 else json.dumps(text, ensure_ascii=r.random() < 0.5)


def as_ndjson(r, words, table):
    lines = []
    for row in table:
        members = [f'"c{i}":{json_of(r, word, value)}' for i, (word, value) in
                   enumerate(zip(words, row)) if value is not None or r.random() < 0.5]
        if r.random() < 0.2:
            r.shuffle(members)
        lines.append("{" + r.choice((",", ", ")).join(members) + "}")
    return ("\n".join(lines) + ("\n" if lines else "")).encode(), table


def check(program, folder, seed):
    r = random.Random(seed)
    words, nullable, table = make(r)
    table = [[value.replace("ü", "u") if word == "VARCHAR" and value else value
              for word, value in zip(words, row)] for row in table]
    kind = r.choice(("csv", "ndjson"))
    content, rows = (as_csv if kind == "csv" else as_ndjson)(r, words, table)
    if kind == "csv":
        nullable = [True] * len(words)
    source, path = folder / f"table.{kind}", str(folder / "table.parquet")
    source.write_bytes(content)
    columns = "\t".join(f"c{i}|{word}|{'null' if null else 'not'}"
                        for i, (word, null) in enumerate(zip(words, nullable)))
    done = subprocess.run([program, kind, source, path], input=columns + "\n", text=True,
                          capture_output=True)
    if done.returncode:
        raise SystemExit(f"seed {seed}: {kind}: {done.stderr}")
    arrow = pyarrow.parquet.read_table(path)
    got = list(zip(*[c.to_pylist() for c in arrow.columns]))
    compare("pyarrow", seed, words, rows, got)
    compare("DuckDB", seed, words, rows,
            duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall())
    compare("polars", seed, words, rows, polars.read_parquet(path).rows())
    return len(rows) * len(words)


def main():
    program, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(10**9)
    values = sum(check(program, folder, seed) for seed in range(first, first + count))
    print(f"{count} tables of {values} values from seed {first}, converted and read alike by pyarrow "
          f"{pyarrow.__version__}, DuckDB {duckdb.__version__} and polars {polars.__version__}")


if __name__ == "__main__":
    main()

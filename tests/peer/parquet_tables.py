"""Random tables written by our Parquet writer and read by others: pyarrow, DuckDB and polars.

  parquet_tables.py WRITER FOLDER COUNT [SEED]

Every table is read by all three; values, types and nulls must be the ones that were written.
"""

import datetime
import decimal
import math
import random
import struct
import subprocess
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow.parquet

from ending import run

EPOCH = datetime.datetime(1970, 1, 1)
DAY_US = 24 * 3600 * 10**6


def integers(bits, signed):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return lambda r: r.choice((low, high, 0, r.randint(low, high), r.randint(0, min(high, 9))))


def text(r, alphabet, most=40):
    return "".join(r.choice(alphabet) for _ in range(r.randint(0, most)))


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def decimals(precision, scale):
    def make(r):
        digits = r.randint(0, 10 ** r.randint(1, precision) - 1)
        return decimal.Decimal(r.choice((1, -1)) * digits).scaleb(-scale, CONTEXT)
    return make


CONTEXT = decimal.Context(prec=60)
FEW = ["red", "green", "blue", "", "grün", "a longer one of several words"]
TYPES = {  # the word: a value from a random source
    **{f"INT{n}": integers(n, True) for n in (8, 16, 32, 64)},
    **{f"UINT{n}": integers(n, False) for n in (8, 16, 32, 64)},
    "IPV4": integers(32, False),
    "BOOL": lambda r: r.random() < 0.5,
    "FLOAT32": lambda r: float32(r.choice((0.0, -0.0, r.uniform(-1e6, 1e6), math.inf, -math.inf))),
    "FLOAT64": lambda r: r.choice((0.0, 1e300, -5e-324, r.gauss(0, 1e9), math.inf)),
    "DATE": lambda r: datetime.date(1970, 1, 1) + datetime.timedelta(r.randint(-300000, 300000)),
    "TIME": lambda r: (EPOCH + datetime.timedelta(microseconds=r.randrange(DAY_US))).time(),
    **{f"TIMESTAMP[{unit}]": lambda r, step=step: EPOCH + datetime.timedelta(
        microseconds=r.randint(-(2**52), 2**52) // step * step)
       for unit, step in (("s", 10**6), ("ms", 1000), ("us", 1), ("ns", 1))},
    **{f"DECIMAL({p}, {s})": decimals(p, s) for p, s in (
        (1, 0), (9, 2), (10, 3), (18, 18), (19, 5), (38, 0), (38, 37))},
    "VARCHAR": lambda r: r.choice(FEW) if r.random() < 0.9 else text(r, "abc xyz", 100),
    "NVARCHAR": lambda r: text(r, "äß漢😀a\u0000\u200b"),
    "VARBINARY": lambda r: r.randbytes(r.randint(0, 30)),
    "VARIANT": lambda r: '{"n":%d}' % r.randint(0, 10**9),
    "NULL": lambda r: None,
}


def number_of(word, value):
    """The text of a cell as the writer's program reads it."""
    if word == "BOOL":
        return str(int(value))
    if word == "DATE":
        return str((value - datetime.date(1970, 1, 1)).days)
    if word == "TIME":
        return str(((value.hour * 60 + value.minute) * 60 + value.second) * 10**6
                   + value.microsecond)
    if word.startswith("TIMESTAMP"):
        micros = (value - EPOCH) // datetime.timedelta(microseconds=1)
        return str({"s": micros // 10**6, "ms": micros // 1000, "us": micros,
                    "ns": micros * 1000}[word[10:-1]])
    if word.startswith("DECIMAL"):
        scale = int(word.split(",")[1][:-1])
        return str(int(value.scaleb(scale, CONTEXT)))
    if isinstance(value, (str, bytes)):
        return "".join(f"\\x{b:02x}" for b in (value.encode() if isinstance(value, str) else value))
    return repr(value)


def make(r):
    words = r.sample(list(TYPES), r.randint(1, len(TYPES)))
    rows = r.choice((0, 1, 7, 8, 9, 100, 3000))
    nulls = [r.choice((0, 0, 0.1, 0.9, 1)) for _ in words]
    sticky = [r.choice((0, 0.5, 0.99)) for _ in words]
    table, last = [], [None] * len(words)
    for _ in range(rows):
        row = []
        for i, word in enumerate(words):
            if r.random() < nulls[i]:
                row.append(None)
                continue
            if last[i] is None or r.random() >= sticky[i]:
                last[i] = TYPES[word](r)
            row.append(last[i])
        table.append(row)
    nullable = [n > 0 or word == "NULL" or r.random() < 0.5 for n, word in zip(nulls, words)]
    return words, nullable, table


def write(program, path, words, nullable, table):
    lines = ["\t".join(f"c{i}|{word}|{'null' if null else 'not'}"
                       for i, (word, null) in enumerate(zip(words, nullable)))]
    for row in table:
        lines.append("\t".join("\\N" if v is None else number_of(w, v)
                               for w, v in zip(words, row)))
    subprocess.run([program, path], input="\n".join(lines) + "\n", text=True, check=True,
                   stdout=subprocess.DEVNULL)


def plain(value):
    """What readers return in their own types, in one."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, bytearray):
        return bytes(value)
    if hasattr(value, "to_pydatetime"):  # pandas, for nanoseconds
        return value.to_pydatetime(warn=False).replace(tzinfo=None)
    if isinstance(value, float) and value == 0:
        return 0.0
    return value


def compare(who, seed, words, want, got):
    if len(want) != len(got):
        raise SystemExit(f"seed {seed}: {who} reads {len(got)} rows of {len(want)}")
    for i, (a, b) in enumerate(zip(want, got)):
        for word, x, y in zip(words, a, b):
            if plain(x) != plain(y):
                raise SystemExit(f"seed {seed}: {who}: row {i}: {word}: {x!r} became {y!r}")


def check(program, path, seed):
    words, nullable, table = make(random.Random(seed))
    write(program, path, words, nullable, table)
    arrow = pyarrow.parquet.read_table(path)
    columns = [c.to_pylist() for c in arrow.columns]
    compare("pyarrow", seed, words, table, list(zip(*columns)))
    typed = [w if w not in ("VARIANT",) else "NVARCHAR" for w in words]
    compare("DuckDB", seed, typed, table,
            duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall())
    compare("polars", seed, typed, table, polars.read_parquet(path).rows())


def main():
    program, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(10**9)
    for seed in range(first, first + count):
        check(program, str(folder / "table.parquet"), seed)
    print(f"{count} tables from seed {first}, read alike by pyarrow {pyarrow.__version__}, "
          f"DuckDB {duckdb.__version__} and polars {polars.__version__}")


if __name__ == "__main__":  # conversions.py takes its tables from here
    run(main)

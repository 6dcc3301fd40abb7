"""The table of casts (tests/unit/tabular/casts.def) as DuckDB, Python's decimal and ipaddress have it.

casts.py TABLE [--write]: exits 0 when each row has DuckDB's value or names it as the difference, and
the exact types Python's.  --write renews the differences, to be read before they are kept.
"""

import datetime
import decimal
import ipaddress
import re
import sys

import duckdb

TYPES = {
    "INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INTEGER", "INT64": "BIGINT", "UINT8": "UTINYINT",
    "UINT16": "USMALLINT", "UINT32": "UINTEGER", "UINT64": "UBIGINT", "FLOAT32": "FLOAT",
    "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN", "DATE": "DATE", "TIME": "TIME", "VARIANT": "JSON",
    "TIMESTAMP[s]": "TIMESTAMP_S", "TIMESTAMP[ms]": "TIMESTAMP_MS", "TIMESTAMP[us]": "TIMESTAMP",
    "TIMESTAMP[ns]": "TIMESTAMP_NS"}
MICROSECONDS = {"s": 10 ** 6, "ms": 10 ** 3, "us": 1}
OFFSET = re.compile(r":\d\d ?[+-]\d\d(:?\d\d)?$")  # which DuckDB knows of TIMESTAMPTZ alone
decimal.getcontext().prec = 100


def unescape(text):
    return re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n"}.get(m[1], m[1]), text)


def escape(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def by_duckdb(kind, text):
    """What DuckDB makes of a text, written as the table writes it."""
    word = TYPES.get(kind, kind)
    if word.startswith("TIMESTAMP") and word != "TIMESTAMP_NS" and OFFSET.search(text):
        word = "TIMESTAMPTZ"
    cast = f"TRY_CAST($1 AS {word})"
    try:
        value = duckdb.execute(f"SELECT {cast}", [text]).fetchone()[0]
        if value is None:
            return "refused"
        if kind == "TIMESTAMP[ns]":
            return str(duckdb.execute(f"SELECT epoch_ns({cast})", [text]).fetchone()[0])
        if kind.startswith("TIMESTAMP"):
            us = duckdb.execute(f"SELECT epoch_us({cast}::TIMESTAMP)", [text]).fetchone()[0]
            return str(us // MICROSECONDS[kind[10:-1]])
        if kind == "DATE":
            shown = duckdb.execute(f"SELECT {cast} - DATE '1970-01-01'", [text]).fetchone()[0]
            return str(shown.days if isinstance(shown, datetime.timedelta) else shown)
        if kind == "TIME":
            return str(duckdb.execute(f"SELECT epoch_us({cast})", [text]).fetchone()[0])
    except (duckdb.Error, ValueError, OverflowError) as error:
        return f"an error ({type(error).__name__})"
    if kind == "BOOL":
        return str(int(value))
    if kind.startswith("FLOAT"):
        return "%.17g" % value
    if kind.startswith("DECIMAL"):
        return str(int(value.scaleb(int(kind.split(", ")[1][:-1]))))
    return str(value)


def by_python(kind, text):
    """Decimals and addresses, which Python has exactly; None: not its own."""
    text = text.strip(" \t")
    if kind == "IPV4":
        try:
            return str(int(ipaddress.IPv4Address(text)))
        except ValueError:
            return "refused"
    if kind.startswith("DECIMAL"):
        precision, scale = map(int, kind[8:-1].split(", "))
        try:
            value = decimal.Decimal(text)
        except decimal.InvalidOperation:
            return "refused"
        if not value.is_finite() or "_" in text or value.adjusted() - scale > 90:
            return "refused"
        whole = value.scaleb(scale)
        fits = whole == whole.to_integral_value() and abs(whole) < decimal.Decimal(10) ** precision
        return str(int(whole)) if fits else "refused"
    return None


def main():
    duckdb.execute("SET TimeZone = 'UTC'")
    table, renew = sys.argv[1], "--write" in sys.argv[2:]
    with open(table, encoding="utf-8", newline="\n") as file:
        rows = [line.rstrip("\n").split("|") for line in file]
    counts, bad, out = {"DuckDB": 0, "Python": 0, "differ": 0}, [], []
    for kind, form, text, ours, *theirs in rows:
        note = theirs[0] if theirs else None
        plain = unescape(text)
        if form == "plain" and plain and (kind in TYPES or kind.startswith("DECIMAL")):
            got = escape(by_duckdb(kind, plain))
            counts["DuckDB"] += 1
            counts["differ"] += got != ours
            if not renew and got != (note or ours):
                bad.append((kind, text, ours, note, got))
            note = got if got != ours else None
        known = by_python(kind, plain) if form == "plain" and plain else None
        counts["Python"] += known is not None
        if known is not None and known != ours and not (known == "0" and ours == "0"):
            bad.append((kind, text, ours, "Python", known))
        out.append("|".join([kind, form, text, ours] + ([note] if note else [])))
    if renew:
        with open(table, "w", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(out) + "\n")
    print(len(rows), "rows:", counts)
    for row in bad:
        print("differs:", row)
    return 1 if bad else 0


sys.exit(main())

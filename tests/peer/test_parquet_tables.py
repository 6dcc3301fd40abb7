"""Files of our Parquet writer and of conversions to it, read by readers that are not ours."""

import os

from sluice import ROOT

WRITER = os.environ.get("PARQUET_TABLE",
                        str(ROOT / "build" / "RelWithDebInfo" / "peer_parquet_table"))
CONVERT = os.environ.get("CONVERT", str(ROOT / "build" / "RelWithDebInfo" / "peer_convert"))
TABLES = os.environ.get("PARQUET_TABLES", "100")


def test_random_tables_are_read_alike_by_three_readers(peer, tmp_path):
    print(peer("parquet_tables.py", WRITER, str(tmp_path), TABLES))


def test_random_tables_of_text_are_converted_and_read_alike_by_three_readers(peer, tmp_path):
    print(peer("conversions.py", CONVERT, str(tmp_path), TABLES))


def test_a_dataset_of_mixed_parts_is_one_table_over_http(peer, shared):
    print(peer("opteryx_table.py", f"http://127.0.0.1:{shared.port}"))

"""Contents as pyarrow and DuckDB write and read them."""

import pytest


@pytest.mark.parametrize("case", [
    "parquet_all_types", "parquet_empty", "parquet_required", "parquet_wide", "parquet_many_groups",
    "parquet_encrypted_or_cut", "parquet_by_duckdb", "parquet_in_place", "csv_random",
    "ndjson_random"])
def test_contents_are_read_as_others_read_them(peer, shared, case):
    peer("opteryx_formats.py", f"http://127.0.0.1:{shared.port}", case)

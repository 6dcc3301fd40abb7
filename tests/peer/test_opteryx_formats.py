"""Contents as pyarrow and DuckDB write and read them."""

import pytest
from sluice import ROOT


@pytest.mark.parametrize("case", [
    "parquet_all_types", "parquet_empty", "parquet_required", "parquet_wide", "parquet_many_groups",
    "parquet_every_type", "parquet_codecs", "parquet_odd_names", "parquet_no_columns",
    "parquet_large_footer", "parquet_encrypted", "parquet_cut", "parquet_by_duckdb",
    "parquet_every_type_of_duckdb", "parquet_in_place", "csv_random", "ndjson_random"])
def test_contents_are_read_as_others_read_them(peer, shared, case):
    peer("opteryx_formats.py", f"http://127.0.0.1:{shared.port}", case)


@pytest.mark.parametrize("case", ["corpora", "edges"])
def test_published_files_and_the_edges_of_the_formats_are_read_as_others_read_them(
        peer, shared, corpora, case):
    print(peer("opteryx_corpora.py", f"http://127.0.0.1:{shared.port}", case, str(corpora)))


def test_values_are_cast_as_others_cast_them_or_differ_as_the_table_says(peer):
    print(peer("casts.py", str(ROOT / "tests" / "unit" / "tabular" / "casts.def")))

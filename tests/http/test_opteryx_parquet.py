"""Files of datasets as Parquet: made once, kept, made anew when the dataset's columns change."""

import pytest

from test_opteryx import name  # noqa: F401
from test_opteryx_datasets import get, publish

NDJSON = b'{"id":3,"name":"three"}\n{"name":null,"id":4}\n'


def parquet(shared, name, number=1, headers=(), method="GET"):
    return shared.request(method, f"/v1/datasets/acme.tests.{name}/files/{number}.parquet",
                          headers=headers)


def kept(service, name):
    """Number and structure of the converted files that the state keeps of a dataset."""
    return service.sql("SELECT p.number, p.structure FROM opteryx_parquet p JOIN opteryx_dataset d"
                       f" ON d.dataset = p.dataset WHERE d.name = '{name}' ORDER BY 1")


@pytest.mark.parametrize("data,file", [(b"id,name\n1,one\n2,\n", "a.csv"), (NDJSON, "a.ndjson")])
def test_a_text_is_also_there_as_parquet(shared, name, data, file):
    publish(shared, name, data, file=file)
    first = parquet(shared, name)
    assert first.status == 200, first
    assert first.header("Content-Type") == "application/vnd.apache.parquet"
    assert first.body[:4] == first.body[-4:] == b"PAR1"
    assert len(kept(shared, name)) == 1
    again = parquet(shared, name)
    assert (again.body, again.header("ETag")) == (first.body, first.header("ETag"))
    assert len(kept(shared, name)) == 1
    assert get(shared, name, "/files/1").body == data


def test_it_is_read_in_place(shared, name):
    publish(shared, name)
    whole = parquet(shared, name)
    tag = {"If-None-Match": whole.header("ETag")}
    assert parquet(shared, name, headers=tag).status == 304
    head = parquet(shared, name, method="HEAD")
    assert head.header("Content-Length") == str(len(whole.body))
    part = parquet(shared, name, headers={"Range": "bytes=-8"})
    assert part.status == 206 and part.body == whole.body[-8:]


def test_what_came_as_parquet_is_sent_as_it_came(shared, name):
    from sluice import GOLDEN

    data = (GOLDEN / "opteryx" / "files" / "findings.parquet").read_bytes()
    publish(shared, name, data, file="a.parquet")
    assert parquet(shared, name).body == data
    assert parquet(shared, name).header("ETag") == get(shared, name, "/files/1").header("ETag")
    assert not kept(shared, name)


def test_it_has_the_columns_that_the_dataset_has_now(service, name):
    publish(service, name, b"a\n1\n")
    first = parquet(service, name)
    publish(service, name, b"a\n1.5\n")
    second = parquet(service, name)
    assert second.status == 200 and second.body != first.body
    assert second.header("ETag") != first.header("ETag")
    assert kept(service, name) == [{"number": 1, "structure": 2}]
    assert service.verb("gc").returncode == 0
    assert parquet(service, name).body == second.body


def test_a_page_of_files_names_both_addresses(shared, name):
    commit = publish(shared, name).json()["commit_id"]
    entry = get(shared, name, f"/snapshots/{commit}").json()["files"][0]
    assert entry["parquet_url"] == entry["url"] + ".parquet"


def test_what_cannot_be_converted_says_where_and_can_still_be_read(shared, name):
    data = b"a,a\n1,2\n"
    publish(shared, name, data)
    refused = parquet(shared, name)
    assert refused.status in (409, 422), refused
    assert "a" in refused.json()["detail"]
    assert get(shared, name, "/files/1").body == data


@pytest.mark.parametrize("number,status", [(2, 404), (0, 422), ("x", 422), ("", 422)])
def test_what_is_not_there(shared, name, number, status):
    publish(shared, name)
    assert parquet(shared, name, number).status == status


def test_a_dropped_dataset_takes_its_files_along(service, name):
    publish(service, name)
    assert parquet(service, name).status == 200
    assert service.verb("dataset", "drop", f"acme.tests.{name}").returncode == 0
    assert service.verb("gc").returncode == 0
    assert not service.sql("SELECT * FROM opteryx_parquet WHERE dataset IN"
                           f" (SELECT dataset FROM opteryx_dataset WHERE name = '{name}')")
    assert service.sql("PRAGMA foreign_key_check") == []

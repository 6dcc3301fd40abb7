"""RFC 9110 sections 13 and 14 for every route that sends a stored content under an ETag."""

import pytest

import pinot_push
from test_contents import push_opteryx, push_oxen, push_pinot

CSV = b"a,b\n1,2\n"


@pytest.fixture(scope="module")
def addresses(service):
    """A content of each such route, by the route's name."""
    dataset, = push_opteryx(service, [CSV])
    version, = push_oxen(service, [CSV])
    segment, = push_pinot(service, [pinot_push.Segment("s0").whole(table="keep")])
    assert service.request("GET", f"{dataset}.parquet").status == 200
    return {"dataset": dataset, "parquet": f"{dataset}.parquet", "version": version,
            "segment": segment}


@pytest.mark.parametrize("route", ["dataset", "parquet", "version", "segment"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers, status", [
    ({}, 200), ({"If-Match": "*"}, 200), ({"If-Match": "{tag}"}, 200), ({"If-Match": '"x", {tag}'}, 200),
    ({"If-Match": '"x"'}, 412), ({"If-Match": "W/{tag}"}, 412), ({"If-Match": "nonsense"}, 412),
    ({"If-None-Match": "*"}, 304), ({"If-None-Match": "{tag}"}, 304), ({"If-None-Match": "W/{tag}"}, 304),
    ({"If-None-Match": '"x"'}, 200), ({"If-Match": '"x"', "If-None-Match": "{tag}"}, 412),
    ({"If-Match": "{tag}", "If-None-Match": "{tag}"}, 304), ({"If-Match": '"x"', "Range": "bytes=0-1"}, 412),
    ({"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
    ({"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
    ({"If-Match": "{tag}", "Range": "bytes=0-1"}, 206), ({"If-Range": "{tag}", "Range": "bytes=0-1"}, 206),
    ({"If-Range": '"x"', "Range": "bytes=0-1"}, 200), ({"If-None-Match": "{tag}", "Range": "bytes=0-1"}, 304),
], ids=range(20))
def test_conditions_hold_in_their_order(service, addresses, route, method, headers, status):
    tag = service.request("GET", addresses[route]).header("ETag")
    sent = {n: v.replace("{tag}", tag) for n, v in headers.items()}
    if method == "HEAD" and status == 206:
        status = 200  # Range is for GET
    assert service.request(method, addresses[route], None, sent).status == status

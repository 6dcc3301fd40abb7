"""What the recordings do not show: rights, hostile archives, downloads, deletes, long lists."""

import gzip
import io
import json
import random
import struct
import tarfile
from urllib.parse import quote

import pytest

import pinot_push
from pinot_push import Segment
from pinot_recordings import tar_gz
from sluice import multipart

CONFIG_MAX = 2 << 20  # PINOT_CONFIG_MAX of fcgi/base/limits.h


@pytest.fixture(scope="module")
def pinot(service):
    pinot_push.table(service, "t")
    return service


def error(answer, status):
    assert answer.status == status, answer
    body = answer.json()
    assert body["code"] == status and body.keys() == {"code", "error"}
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Pinot-Controller-Version")
    return body["error"]


def single(service, path, data, table="t", headers=()):
    body, content_type = multipart([("x", "x", "application/octet-stream", data)])
    return service.request("POST", f"{path}?tableName={table}", body,
                           [("Content-Type", content_type), *headers])


# ---- rights ----


def test_without_a_credential_nothing_is_told(make_service):
    closed = make_service(auth="required")
    for method, target in [("GET", "/tables"), ("GET", "/segments/t"), ("GET", "/segments/t/s"),
                           ("POST", "/segments/batchUpload?tableName=t&tableType=OFFLINE"),
                           ("POST", "/segments/batchUpload"), ("POST", "/v2/segments?tableName=t"),
                           ("DELETE", "/segments/t/s"), ("POST", "/schemas"), ("DELETE", "/tables/t")]:
        answer = closed.request(method, target)
        assert error(answer, 401).startswith("Permission is denied")
        assert answer.header("WWW-Authenticate") == 'Basic realm="sluice"'
    assert closed.request("GET", "/version").status == 200


def test_a_token_is_good_for_its_right_and_its_tables(make_service):
    closed = make_service(auth="required")
    admin = ("Authorization", "Bearer " + closed.token("root", "pinot:admin"))
    writer = ("Authorization", "Bearer " + closed.token("push", "pinot:write", "--scope", "mine*,db.*"))
    reader = ("Authorization", "Bearer " + closed.token("look", "pinot:read"))
    for name in ("mine", "other", "db.mine"):
        schema = {"schemaName": name}
        table = {"tableName": name, "tableType": "OFFLINE"}
        error(closed.request("POST", "/schemas", schema, [writer]), 403)
        assert closed.request("POST", "/schemas", schema, [admin]).status == 200
        assert closed.request("POST", "/tables", table, [admin]).status == 200
    batch = [Segment("s")]
    assert pinot_push.push(closed, "mine", batch, headers=[writer]).status == 200
    assert pinot_push.push(closed, "db.mine", batch, headers=[writer]).status == 200
    assert pinot_push.push(closed, "mine", batch, headers=[writer, ("database", "db")]).status == 200
    assert "Permission is denied" in error(pinot_push.push(closed, "other", batch, headers=[writer]), 403)
    error(pinot_push.push(closed, "mine", batch, headers=[reader]), 403)
    assert closed.request("GET", "/tables", headers=[reader]).json() == {"tables": ["mine", "other"]}
    assert closed.request("GET", "/tables", headers=[writer]).json() == {"tables": ["mine"]}
    assert closed.request("GET", "/schemas", headers=[writer]).json() == ["db.mine", "mine"]
    error(closed.request("GET", "/segments/other", headers=[writer]), 403)
    assert closed.request("GET", "/segments/mine", headers=[reader]).status == 200
    error(closed.request("DELETE", "/segments/mine/s", headers=[reader]), 403)


def test_a_token_reads_the_archives_of_its_own_tables_alone(make_service, tmp_path):
    """Nothing is told of another table's file: not its bytes, its CRC, its size, or that it is there."""
    mine, common = tmp_path / "mine", tmp_path / "common"
    mine.mkdir(), common.mkdir()
    service = make_service(auth="required", workers=2,
                           settings={"DEEP_STORE_ROOTS": f"mine*={mine}:{common}"})
    admin = ("Authorization", "Bearer " + service.token("root", "pinot:admin"))
    writer = ("Authorization", "Bearer " + service.token("push", "pinot:write", "--scope", "mine*,other"))
    for name in ("mine", "other"):
        field = {"name": "ts", "dataType": "LONG", "format": "EPOCH", "granularity": "1:MILLISECONDS"}
        schema = {"schemaName": name, "dateTimeFieldSpecs": [field]}
        config = {"tableName": name, "tableType": "OFFLINE", "segmentsConfig": {"replication": "1"}}
        assert service.request("POST", "/schemas", schema, [admin]).status == 200
        assert service.request("POST", "/tables", config, [admin]).status == 200

    def stored(folder, segment, table="any"):
        (folder / f"{segment.name}.tar.gz").write_bytes(segment.whole(table=table))
        segment.uri = f"file://{folder}/{segment.name}.tar.gz"
        return segment

    def copy(table, segment, who=writer):
        return pinot_push.push(service, table, [segment],
                               headers=[who, ("COPY_SEGMENT_TO_DEEP_STORE", "true")])

    assert copy("mine", stored(mine, Segment("good"), "mine_OFFLINE")).status == 200
    secret = stored(mine, Segment("secret", crc=98765), "mine")
    for uri in (secret.uri, secret.uri + "x"):
        text = error(copy("other", Segment("secret", crc=98765, uri=uri)), 403)
        assert text.endswith(f"{uri} is not")
    assert pinot_push.push(service, "other", [secret], headers=[writer]).status == 200
    assert pinot_push.rows(service, "other")["secret"]["bytes"] is None
    # a folder without a pattern is for who may push to every table
    error(copy("mine", stored(common, Segment("c"), "mine")), 403)
    assert copy("mine", stored(common, Segment("c"), "mine"), admin).status == 200
    # what is found is the pushed segment, of the pushed table
    for label, segment in {
        "table": stored(mine, Segment("t1"), "minetoo"),
        "name": Segment("renamed", crc=98765, uri=secret.uri),
        "archive": Segment("broken", uri=f"file://{mine}/broken.tar.gz"),
    }.items():
        (mine / "broken.tar.gz").write_bytes(b"nothing")
        text = error(copy("mine", segment), 400)
        assert text == f"the file of segment: {segment.name} is not that segment of table: mine", label
    text = error(copy("mine", Segment("secret", crc=1, uri=secret.uri)), 400)
    assert text == "the file of segment: secret has another CRC than the push says"
    assert pinot_push.rows(service, "mine").keys() == {"good", "c"}


def test_what_a_push_replaces_counts(service):
    """The same CRC again with more bytes, and deleted bytes kept for longer than the table says."""
    pinot_push.table(service, "counts", quota={"storage": "1M"})
    noise = random.Random(1).randbytes(700_000)
    for room, status in ((300_000, 200), (700_000, 200), (1_100_000, 403)):
        body = Segment("s").whole((noise * 2)[:room])
        assert single(service, "/v2/segments", body, "counts").status == status
    row = pinot_push.rows(service, "counts")["s"]
    assert row["bytes"] > 700_000
    assert service.sql("SELECT bytes FROM tables WHERE \"table\" = 'counts_OFFLINE'")[0]["bytes"] == row["bytes"]
    assert service.request("DELETE", "/segments/counts/s?retention=100000000d").status == 200
    kept = service.sql("SELECT expires_at - deleted_at AS ms FROM pinot_deleted_segment"
                       " WHERE table_name = 'counts_OFFLINE'")
    assert kept == [{"ms": 7 * 86_400_000}]


# ---- hostile archives ----


def pax(name, size, content):
    """An entry whose pax header gives another size than the ustar header."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        member.pax_headers = {"size": str(size)}
        tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue())


def named(name, content=b"x"):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue())


def lying():
    """A file that claims more bytes than there are."""
    raw = bytearray(512)
    raw[0:15] = b"a.creation.meta"
    raw[124:136] = b"%011o\0" % (1 << 30)
    raw[156:157] = b"0"
    raw[257:265] = b"ustar\x0000"
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return gzip.compress(bytes(raw) + b"short")


HOSTILE = {
    "a bomb inside a file": lambda: tar_gz([("d/a.metadata.properties", bytes(40 << 20))]),
    "100,000 entries": lambda: tar_gz([(f"d/{i}", b"") for i in range(100_001)]),
    "30,000 segments": lambda: tar_gz([(f"d/{i}.creation.meta", bytes(16)) for i in range(30_000)]),
    "a file that lies about its size": lying,
    "a pax size that is too large": lambda: pax("d/a.creation.meta", 1 << 40, b"x" * 24),
    "a name of 10 KiB": lambda: named("n" * 10240 + ".creation.meta"),
    "a segment name of 300 bytes": lambda: named("n" * 300 + ".creation.meta", bytes(24)),
    "two gzip members, the second broken": lambda: pinot_push.archive([Segment("x")]) + b"\x1f\x8b\x08",
    "garbage behind the archive": lambda: pinot_push.archive([Segment("x")]) + b"garbage",
}


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_archive_gets_a_clear_answer_and_leaves_nothing(pinot, label):
    answer = pinot_push.send(pinot, "t", HOSTILE[label]())
    assert answer.status in (400, 413), answer
    text = error(answer, answer.status)
    assert len(text) > 10 and "/var" not in text and str(pinot.state) not in text
    assert pinot_push.rows(pinot, "t", "x") == {}
    assert pinot.leftovers() == []


def test_an_archive_has_a_largest_size_that_the_operator_sets(make_service):
    limit = 8 << 20
    service = make_service(settings={"BATCH_DECODED_MAX": limit}, workers=2)
    pinot_push.table(service, "t")
    for data in (gzip.compress(bytes(4 * limit), 9), tar_gz([("d/README", bytes(4 * limit))])):
        error(pinot_push.send(service, "t", data), 413)
        error(single(service, "/v2/segments", data), 413)
    assert service.leftovers() == []
    test_hostile_archives_do_not_swell_the_workers(service)


def test_hostile_archives_do_not_swell_the_workers(pinot):
    pinot.assert_small()


def test_a_large_batch_stays_within_the_memory_of_a_worker(make_service):
    service = make_service(workers=2)
    pinot_push.table(service, "large")
    segments = [Segment(f"events_2026-01-01_2026-01-02_{i}") for i in range(10_000)]
    assert pinot_push.push(service, "large", segments).status == 200
    assert len(pinot_push.rows(service, "large")) == 10_000
    test_hostile_archives_do_not_swell_the_workers(service)


class Wide(Segment):
    """One with as large a metadata.properties as there may be."""

    def properties(self):
        line = b"column.x.y = %s\n"
        room = (4 << 20) - len(super().properties()) - len(line % b"")
        return super().properties() + line % (b"z" * room)


def test_the_largest_maps_and_files_stay_within_the_memory_of_a_worker(make_service):
    service = make_service(workers=2)
    pinot_push.table(service, "maps")
    segments = [Segment(f"s{i}", custom={"k": '"' * 32_000}) for i in range(120)]
    error(pinot_push.push(service, "maps", segments), 413)
    segments = segments[:90] + [Wide("wide")]
    for _ in range(2):
        assert pinot_push.push(service, "maps", segments).status == 200
    assert len(service.request("GET", "/segments/maps/metadata").json()) == 91
    test_hostile_archives_do_not_swell_the_workers(service)


def test_the_largest_configs_stay_within_the_memory_of_a_worker(make_service):
    """Written and read, of both types at once; larger ones are refused."""
    service = make_service(workers=2)
    schema = {"schemaName": "wide", "description": ""}
    config = {"tableName": "wide", "segmentsConfig": {"replication": "1"}, "description": ""}
    for path, whole in [("/schemas", [schema]), ("/tables", [config | {"tableType": t} for t in
                                                            ("OFFLINE", "REALTIME")])]:
        for body in whole:
            room = CONFIG_MAX - len(json.dumps(body))
            error(service.request("POST", path, body | {"description": "x" * (room + 1)}), 413)
            assert service.request("POST", path, body | {"description": "x" * room}).status == 200
    assert len(service.request("GET", "/tables/wide").json()) == 2
    assert len(service.request("GET", "/schemas/wide").body) > CONFIG_MAX / 2
    assert pinot_push.push(service, "wide", [Segment("s")]).status == 200
    test_hostile_archives_do_not_swell_the_workers(service)


# ---- one segment at a time ----


def test_a_segment_is_stored_and_downloaded_byte_by_byte(pinot):
    data = Segment("whole", crc=77).whole(bytes(range(256)) * 4000)
    assert single(pinot, "/v2/segments", data).json() == {
        "status": "Successfully uploaded segment: whole of table: t_OFFLINE"}
    answer = pinot.request("GET", "/segments/t/whole")
    assert answer.body == data
    assert answer.header("Content-Disposition") == "attachment; filename=whole"
    tag = answer.header("ETag")
    assert pinot.request("GET", "/segments/t/whole", headers=[("If-None-Match", tag)]).status == 304
    part = pinot.request("GET", "/segments/t_OFFLINE/whole", headers=[("Range", "bytes=5-9")])
    assert (part.status, part.body) == (206, data[5:10])
    head = pinot.request("HEAD", "/segments/t/whole")
    assert (head.status, head.header("Content-Length")) == (200, str(len(data)))
    told = pinot.request("GET", "/segments/t/whole/metadata").json()
    assert told["segment.size.in.bytes"] == str(len(data))
    assert told["segment.download.url"].endswith("/segments/t/whole")
    again = Segment("whole", crc=78).whole(b"other")
    assert single(pinot, "/segments", again).status == 200
    assert pinot.request("GET", "/segments/t/whole").body == again
    assert pinot.request("GET", "/tables/t/size").json()["reportedSizeInBytes"] >= len(again)


def test_odd_names_are_quoted_where_they_stand_in_a_header_or_an_address(pinot):
    table, name = "odd ta%ble?#1", 'x; filename="y" é'
    pinot_push.table(pinot, table)
    data = Segment(name).whole()
    assert single(pinot, "/v2/segments", data, quote(table)).status == 200
    row = pinot.request("GET", f"/segments/{quote(table)}/{quote(name)}/metadata").json()
    base, _, path = row["segment.download.url"].partition("/segments/")
    assert path == f"{quote(table)}/{quote(name)}"
    answer = pinot.request("GET", f"/segments/{path}")
    assert answer.body == data
    shown = answer.header("Content-Disposition").encode("latin-1").decode()
    assert shown == 'attachment; filename="x; filename=\\"y\\" é"'


def test_a_metadata_push_over_a_stored_segment_lets_its_copy_go(pinot):
    assert single(pinot, "/segments", Segment("goes").whole(b"bytes")).status == 200
    assert pinot_push.push(pinot, "t", [Segment("goes", uri="s3://b/goes")]).status == 200
    error(pinot.request("GET", "/segments/t/goes"), 404)
    assert pinot_push.rows(pinot, "t", "goes")["goes"]["blob"] is None


def test_a_segment_that_is_no_archive_is_not_stored(pinot):
    for data in [b"", b"garbage", tar_gz([("s/creation.meta", bytes(24))]),
                 tar_gz([("s/metadata.properties", Segment("x").properties())])]:
        for path in ("/segments", "/v2/segments"):
            error(single(pinot, path, data), 400)
    assert pinot_push.rows(pinot, "t", "x") == {}
    bad = Segment("a/b")
    error(single(pinot, "/v2/segments", bad.whole()), 400)


def test_v3_files_win_over_those_of_an_older_layout(pinot):
    new, old = Segment("layout", crc=3), Segment("layout", crc=1)
    for order in (1, -1):
        files = [("s/creation.meta", old.creation()), ("s/metadata.properties", old.properties()),
                 ("s/v3/creation.meta", new.creation()), ("s/v3/metadata.properties", new.properties())]
        assert single(pinot, "/v2/segments", tar_gz(files[::order])).status == 200
        assert pinot_push.rows(pinot, "t", "layout")["layout"]["crc"] == 3


# ---- lists ----


def test_a_long_list_is_whole_and_filtered_by_time(pinot):
    pinot_push.table(pinot, "long")
    day = 86_400_000
    for at in range(0, 3000, 1000):
        batch = [Segment(f"n{i:05d}", crc=i + 1, start=pinot_push.START + i * day // 100,
                         end=pinot_push.START + i * day // 100 + 10) for i in range(at, at + 1000)]
        assert pinot_push.push(pinot, "long", batch).status == 200
    names = pinot.request("GET", "/segments/long").json()
    assert names == [{"OFFLINE": [f"n{i:05d}" for i in range(3000)]}]
    crcs = pinot.request("GET", "/segments/long/crc").json()
    assert crcs == {f"n{i:05d}": str(i + 1) for i in range(3000)}
    told = pinot.request("GET", "/segments/long/metadata").json()
    assert len(told) == 3000 and told["n00007"]["segment.crc"] == "8"
    first, last = pinot_push.START + 10 * day, pinot_push.START + 11 * day
    some = pinot.request("GET", f"/segments/long?startTimestamp={first}&endTimestamp={last}").json()
    assert some == [{"OFFLINE": [f"n{i:05d}" for i in range(1000, 1100)]}]
    error(pinot.request("GET", "/segments/long?startTimestamp=x"), 400)


# ---- deleting ----


def test_segments_are_deleted_by_name_by_list_and_all(pinot):
    pinot_push.table(pinot, "del")
    assert pinot_push.push(pinot, "del", [Segment(f"s{i}") for i in range(1200)]).status == 200
    assert pinot.request("DELETE", "/segments/del/s0").json() == {"status": "Segment deleted"}
    answer = pinot.request("DELETE", "/segments/del?type=OFFLINE&segments=s1&segments=s2")
    assert answer.json() == {"status": "Deleted segments: [s1, s2] from table: del_OFFLINE"}
    assert pinot.request("POST", "/segments/del/delete", ["s3", "none"]).status == 200
    error(pinot.request("POST", "/segments/del/delete", {"not": "a list"}), 400)
    error(pinot.request("POST", "/segments/del/delete", ["s4\0 is another name than s4"]), 400)
    assert pinot.request("GET", "/tables/del/size").json()["offlineSegments"]["segmentCount"] == 1196
    error(pinot.request("DELETE", "/segments/del"), 400)
    assert pinot.request("DELETE", "/segments/del?type=OFFLINE").status == 200
    assert pinot.request("GET", "/segments/del").json() == [{"OFFLINE": []}]


def test_a_deleted_table_takes_its_segments_with_it(pinot):
    pinot_push.table(pinot, "gone")
    assert pinot_push.push(pinot, "gone", [Segment(f"s{i}") for i in range(1100)]).status == 200
    error(pinot.request("DELETE", "/schemas/gone"), 409)
    assert pinot.request("DELETE", "/tables/gone").json() == {"status": "Tables: [gone_OFFLINE] deleted"}
    error(pinot.request("GET", "/segments/gone"), 404)
    error(pinot_push.push(pinot, "gone", [Segment("s")]), 400)
    assert pinot.request("DELETE", "/schemas/gone").status == 200


# ---- tables ----


def test_a_table_config_is_replaced_as_a_whole(pinot):
    pinot_push.table(pinot, "conf")
    config = pinot.request("GET", "/tables/conf").json()["OFFLINE"]
    config["segmentsConfig"]["replication"] = "3"
    config["quota"] = {"storage": "1.5G"}
    assert pinot.request("PUT", "/tables/conf", config).status == 200
    read = pinot.request("GET", "/tables/conf_OFFLINE").json()["OFFLINE"]
    assert read["quota"] == {"storage": "1.5G"} and read["segmentsConfig"]["replication"] == "3"
    row = pinot.sql("SELECT * FROM pinot_table WHERE name = 'conf_OFFLINE'")[0]
    assert (row["quota_bytes"], row["replication"]) == (3 << 29, 3)
    error(pinot.request("PUT", "/tables/other", config), 400)
    error(pinot.request("PUT", "/tables/nope", config | {"tableName": "nope"}), 404)
    assert pinot.request("GET", "/tables/conf/schema").json()["schemaName"] == "conf"


@pytest.mark.parametrize("change", [
    {"tableType": "BOGUS"}, {"tableType": None}, {"tableName": ""}, {"tableName": "a/b"},
    {"tableName": 7}, {"tableName": "x_REALTIME"}, {"quota": {"storage": "many"}},
    {"quota": {"maxSegments": "x"}}, {"segmentsConfig": {"replication": "0"}},
    {"segmentsConfig": {"deletedSegmentsRetentionPeriod": "soon"}},
])
def test_a_table_config_that_a_push_could_not_rely_on_is_refused(pinot, change):
    assert pinot.request("POST", "/schemas", {"schemaName": "x"}).status == 200
    config = {"tableName": "x", "tableType": "OFFLINE", "segmentsConfig": {}} | change
    error(pinot.request("POST", "/tables", config), 400)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"7", b"{", b'{"a":' * 40 + b"1" + b"}" * 40,
                                  b"\xff", b'{"tableName":"x"} x'])
def test_what_is_no_json_object_is_refused(pinot, body):
    headers = [("Content-Type", "application/json")]
    error(pinot.request("POST", "/tables", body, headers), 400)
    error(pinot.request("POST", "/schemas", body, headers), 400)


def test_the_custom_map_of_a_segment_is_read_and_modified(pinot):
    header = "Pinot-SegmentZKMetadataCustomMapModifier"
    segment = Segment("custom", custom={"a": "1"})
    assert pinot_push.push(pinot, "t", [segment]).status == 200
    update = json.dumps({"mapModifyMode": "UPDATE", "map": {"b": "\u00e9"}}).replace("\\u00e9", "x")
    assert pinot_push.push(pinot, "t", [segment], headers=[(header, update)]).status == 200
    told = pinot.request("GET", "/segments/t/custom/metadata").json()
    assert json.loads(told["custom.map"]) == {"a": "1", "b": "x"}


def test_times_units_and_old_creation_files_come_back_exactly(pinot):
    files = [("d/u.creation.meta", struct.pack(">qq", -5, 1)),
             ("d/u.metadata.properties", b"segment.name = u\nsegment.total.docs = 0\n"
              b"segment.time.column.name = days\nsegment.start.time = 20454\n"
              b"segment.end.time = 20455\nsegment.time.unit = DAYS\n"
              b"column.days.minValue = 20454\ncolumn.days.maxValue = 20455\n"),
             ("d/all_segments_metadata", b"u\nhdfs://n/u\n")]
    assert pinot_push.send(pinot, "t", tar_gz(files)).status == 200
    told = pinot.request("GET", "/segments/t/u/metadata").json()
    assert told.pop("segment.push.time").isdigit()
    assert told == {
        "segment.crc": "-5", "segment.creation.time": "1", "segment.start.time": "1767225600000",
        "segment.end.time": "1767312000000", "segment.time.unit": "MILLISECONDS",
        "segment.start.time.raw": "20454", "segment.end.time.raw": "20455",
        "segment.total.docs": "0", "segment.index.version": "v1",
        "segment.download.url": "hdfs://n/u"}

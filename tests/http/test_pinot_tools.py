"""What Pinot's own tools send, from the first command on: the recorded requests of pinot-admin, of the
ingestion jobs and of the client classes, with the real controller's answers beside them."""

import base64
import gzip
import json
import random
import re

import lz4.frame
import pytest
import zstandard

import pinot_push
import pinot_recordings as recordings
from pinot_push import Segment
from sluice import GOLDEN, SERVER, multipart

TOOLS = GOLDEN / "pinot" / "tools"
TABLE = "case53910"
FIELDS = {
    "dimensionFieldSpecs": [{"name": "site", "dataType": "STRING"}],
    "metricFieldSpecs": [{"name": "clicks", "dataType": "INT"}],
    "dateTimeFieldSpecs": [{"name": "ts", "dataType": "LONG", "format": "1:MILLISECONDS:EPOCH",
                            "granularity": "1:MILLISECONDS"}],
}
PARTITIONED = {"segmentPartitionConfig": {"columnPartitionMap": {
    "site": {"functionName": "Murmur", "numPartitions": 4}}}}


def make(service, name, table=None, **schema):
    assert service.request("POST", "/schemas", {"schemaName": name} | FIELDS | schema).status == 200
    config = {"tableName": name, "tableType": "OFFLINE", "tenants": {}, "metadata": {},
              "segmentsConfig": {"timeColumnName": "ts", "replication": "1"},
              "tableIndexConfig": PARTITIONED}
    answer = service.request("POST", "/tables", config | (table or {}))
    assert answer.status == 200, answer


@pytest.fixture(scope="module")
def pinot(service):
    make(service, TABLE)
    return service


def replay(service, name):
    """A recorded request, answered here, and what the controller answered: (answer, status, body)."""
    data = (TOOLS / f"{name}.req.bin").read_bytes()
    sent = list(recordings.split(data))
    assert len(sent) == 1
    first, headers, body = sent[0]
    kept = [(k, v) for k, v in headers if k.lower() not in (b"host", b"connection")]
    kept.insert(0, (b"Host", f"127.0.0.1:{service.port}".encode()))
    kept.append((b"Connection", b"close"))
    raw = b"\r\n".join([first] + [k + b": " + v for k, v in kept]) + b"\r\n\r\n" + body
    answer = service.raw(raw, first.split(b" ")[0].decode())
    recorded = TOOLS / f"{name}.controller.resp.bin"
    if not recorded.exists():
        recorded = TOOLS / f"{name}.resp.bin"
    head, _, told = recorded.read_bytes().partition(b"\r\n\r\n")
    return answer, int(head.split(b" ")[1]), told


def error(answer, status):
    assert answer.status == status, answer
    assert answer.json().keys() == {"code", "error"} and answer.json()["code"] == status
    return answer.json()["error"]


def check_equal(service, name):
    answer, status, told = replay(service, name)
    assert answer.status == status, answer
    assert recordings.normal(answer.body) == recordings.normal(told)
    return answer


# ---- schemas and tables ----


def test_add_schema_sends_a_form_with_a_file(pinot):
    answer = check_equal(pinot, "01-addschema-multipart")
    assert answer.header("Content-Type") == "application/json"
    assert pinot.request("GET", "/schemas/admD").json()["metricFieldSpecs"][0]["name"] == "clicks"
    assert "already exists" in error(replay(pinot, "controller-addschema/ctrl-AddSchema-1")[0], 409)


def test_add_table_sends_schema_and_tables_as_one(pinot):
    check_equal(pinot, "controller-addtable/ctrl-AddTable-1")
    check_equal(pinot, "02-addtable-tableconfigs")  # it exists
    check_equal(pinot, "controller-addtable/ctrl-AddTable-update-1")
    assert "admD2" in pinot.request("GET", "/tableConfigs").json()
    whole = pinot.request("GET", "/tableConfigs/admD2").json()
    assert whole.keys() == {"tableName", "schema", "offline"}
    assert whole["offline"] == pinot.request("GET", "/tables/admD2").json()["OFFLINE"]
    assert whole["schema"] == pinot.request("GET", "/schemas/admD2").json()
    validated = pinot.request("POST", "/tableConfigs/validate", whole).json()
    assert validated.pop("unrecognizedProperties") == {} and validated == whole
    assert pinot_push.push(pinot, "admD2", [Segment("s")]).status == 200
    error(pinot.request("DELETE", "/tableConfigs/admD2_OFFLINE"), 400)
    assert pinot.request("DELETE", "/tableConfigs/admD2").json() == {"status": "Deleted TableConfigs: admD2"}
    error(pinot.request("GET", "/tables/admD2"), 404)
    error(pinot.request("GET", "/tableConfigs/admD2"), 404)
    again = pinot.request("DELETE", "/tableConfigs/admD2").json()["status"]
    assert again == ("TableConfigs: admD2 don't exist. Invoked delete anyway to clean stale "
                     "metadata/segments")


def whole_of(name):
    table = {"tableName": name, "segmentsConfig": {"timeColumnName": "ts", "replication": "1"}}
    return {"tableName": name, "schema": {"schemaName": name} | FIELDS,
            "offline": table | {"tableType": "OFFLINE"}, "realtime": table | {"tableType": "REALTIME"}}


@pytest.mark.parametrize("label,change,text", [
    ("no table", {"offline": None, "realtime": None}, "Must provide at least one of"),
    ("no schema", {"schema": None}, "Must provide 'schema'"),
    ("another schema", {"schema": {"schemaName": "other"} | FIELDS}, "must be equal to 'schemaName'"),
    ("another table", {"offline": {"tableName": "other", "tableType": "OFFLINE"}},
     "Name in 'offline' table config: other must be equal to 'tableName'"),
    ("another type", {"offline": {"tableName": "N", "tableType": "REALTIME"}}, "'offline' holds a table of type"),
    ("a bad table", {"realtime": {"tableName": "N"}}, "Missing required creator property 'tableType'"),
    ("no such time", {"offline": {"tableName": "N", "tableType": "OFFLINE",
                                  "segmentsConfig": {"timeColumnName": "when"}}},
     "Cannot find valid fieldSpec for timeColumn: when"),
    ("a dimension as time", {"offline": {"tableName": "N", "tableType": "OFFLINE",
                                         "segmentsConfig": {"timeColumnName": "site"}}},
     "Cannot find valid fieldSpec for timeColumn: site"),
    ("no name", {"tableName": ""}, "'tableName' cannot be empty"),
    ("a typed name", {"tableName": "N_OFFLINE"}, "Use raw table name"),
])
def test_a_group_that_does_not_agree_leaves_nothing(pinot, label, change, text):
    name = "group"
    body = json.loads(json.dumps(whole_of(name) | change).replace('"N', f'"{name}'))
    for method, target in (("POST", "/tableConfigs"), ("POST", "/tableConfigs/validate"),
                           ("PUT", f"/tableConfigs/{name}")):
        told = error(pinot.request(method, target, body), 400)
        assert text in told or (method == "PUT" and told.endswith("Use POST to create it first.")), label
    error(pinot.request("GET", f"/schemas/{name}"), 404)
    error(pinot.request("GET", f"/tables/{name}"), 404)


def test_a_group_is_replaced_as_a_whole_or_not_at_all(pinot):
    name = "regroup"
    assert "Use POST" in error(pinot.request("PUT", f"/tableConfigs/{name}", whole_of(name)), 400)
    offline = whole_of(name) | {"realtime": None}
    assert pinot.request("POST", "/tableConfigs", offline).status == 200
    both = whole_of(name)
    both["schema"]["dimensionFieldSpecs"] = [{"name": "site", "dataType": "STRING"},
                                             {"name": "more", "dataType": "INT"}]
    assert pinot.request("PUT", f"/tableConfigs/{name}", both).status == 200
    assert pinot.request("GET", f"/tables/{name}").json().keys() == {"OFFLINE", "REALTIME"}
    text = error(pinot.request("PUT", f"/tableConfigs/{name}", offline), 400)
    assert "is not backward-compatible" in text and "[more]" in text
    assert len(pinot.request("GET", f"/schemas/{name}").json()["dimensionFieldSpecs"]) == 2
    assert "must match provided tableName" in error(pinot.request("PUT", "/tableConfigs/other", both), 400)
    assert pinot.request("PUT", f"/tableConfigs/{name}?forceTableSchemaUpdate=true", offline).status == 200


def test_unknown_members_of_a_group_are_told_by_their_path(pinot):
    body = whole_of("paths")
    body["x"] = body["schema"]["y"] = body["offline"]["segmentsConfig"]["z"] = 1
    answer = pinot.request("POST", "/tableConfigs", body).json()
    assert answer["unrecognizedProperties"] == {
        "/x": 1, "/schema/y": 1, "/offline/segmentsConfig/z": 1, "/realtime/segmentsConfig/z": 1}


def test_the_validations_answer_the_config_as_it_would_be_read_back(pinot):
    check_equal(pinot, "18-tables-validate")
    schema = {"schemaName": "valid"} | FIELDS
    answer = pinot.request("POST", "/schemas/validate", schema | {"odd": 1}).json()
    assert answer.pop("unrecognizedProperties") == {"/odd": 1}
    error(pinot.request("GET", "/schemas/valid"), 404)
    assert pinot.request("POST", "/schemas", schema).status == 200
    assert pinot.request("GET", "/schemas/valid").json() == answer
    text = error(pinot.request("POST", "/tables/validate", {"tableName": "none", "tableType": "OFFLINE"}), 400)
    assert text == "Invalid table config: none_OFFLINE. Failed to find schema for table: none_OFFLINE"


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", ["application/json", FORM, "text/plain", "application/octet-stream", None])
def test_json_is_taken_under_any_type_that_clients_send(pinot, kind):
    headers = [("Content-Type", kind)] if kind else []
    body = json.dumps({"schemaName": "kinds"} | FIELDS).encode()
    assert pinot.request("POST", "/schemas", body, headers).status == 200
    assert pinot.request("PUT", "/schemas/kinds", body, headers).status == 200
    table = json.dumps({"tableName": "kinds", "tableType": "OFFLINE"}).encode()
    assert pinot.request("POST", "/tables/validate", table, headers).status == 200


def test_a_schema_comes_as_any_one_part_of_a_form(pinot):
    schema = json.dumps({"schemaName": "formed"} | FIELDS).encode()
    for method, target in (("POST", "/schemas"), ("PUT", "/schemas/formed"), ("POST", "/schemas/validate")):
        for part in (("formed", "formed", "application/octet-stream", schema),
                     ("body", None, "text/plain; charset=UTF-8", schema)):
            body, kind = multipart([part])
            answer = pinot.request(method, target, body, [("Content-Type", kind)])
            assert answer.status == 200, answer
    body, kind = multipart([("a", "a", "text/plain", schema), ("b", "b", "text/plain", schema)])
    text = error(pinot.request("POST", "/schemas", body, [("Content-Type", kind)]), 400)
    assert text == "Found not exactly one file from the multi-part fields"
    for broken in (b"", body[:-20], b"--x--\r\n"):
        error(pinot.request("POST", "/schemas", broken, [("Content-Type", kind)]), 400)
    body, kind = multipart([("a", "a", "text/plain", b'{"schemaName":"' + b"x" * (2 << 20) + b'"}')])
    error(pinot.request("POST", "/schemas", body, [("Content-Type", kind)]), 413)


# ---- what a schema may be ----


@pytest.mark.parametrize("fields,cause", [
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": "INT"}, {"name": "a", "dataType": "LONG"}]},
     "Field spec already exists for column: a"),
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": "INT"}],
      "metricFieldSpecs": [{"name": "a", "dataType": "INT"}]}, "Field spec already exists for column: a"),
    ({"dimensionFieldSpecs": [{"name": "a"}]}, "dataType is missing of column: a"),
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": None}]}, "dataType is missing of column: a"),
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": "TEXT"}]}, "'TEXT' is not a data type"),
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": "int"}]}, "'int' is not a data type"),
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": ""}]}, "'' is not a data type"),
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": "MAP"}]},
     "Unsupported data type: MAP in DIMENSION/TIME field: a"),
    ({"metricFieldSpecs": [{"name": "a", "dataType": "STRING"}]},
     "Unsupported data type: STRING in METRIC field: a"),
    ({"complexFieldSpecs": [{"name": "a", "dataType": "INT"}]},
     "Unsupported data type: INT in COMPLEX field: a"),
    ({"dimensionFieldSpecs": [{"dataType": "INT"}]}, "a column has no name in dimensionFieldSpecs"),
    ({"dimensionFieldSpecs": [{"name": "", "dataType": "INT"}]}, "a column has no name in"),
    ({"dimensionFieldSpecs": ["a"]}, "a column has no name in"),
    ({"dimensionFieldSpecs": {}}, "no list: dimensionFieldSpecs"),
    ({"dimensionFieldSpecs": [{"name": "a b", "dataType": "INT"}]},
     'The column name "a b" should not contain blank space.'),
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": "JSON", "singleValueField": False}]},
     "JSON columns cannot be of multi-value type"),
    ({"dimensionFieldSpecs": [{"name": "a", "dataType": "INT"}], "primaryKeyColumns": ["b"]},
     "The primary key column must exist"),
])
def test_a_schema_that_no_table_could_have_is_refused_with_the_cause(pinot, fields, cause):
    for method, target in (("POST", "/schemas"), ("POST", "/schemas/validate")):
        text = error(pinot.request(method, target, {"schemaName": "odd"} | fields), 400)
        assert text.startswith("Invalid schema: odd. Reason: ") and cause in text
    error(pinot.request("GET", "/schemas/odd"), 404)


def test_a_schema_has_a_bounded_number_of_columns(pinot):
    def wide(n):
        columns = [{"name": f"c{i}", "dataType": "INT"} for i in range(n)]
        return pinot.request("POST", "/schemas", {"schemaName": "wide", "dimensionFieldSpecs": columns})
    assert wide(4096).status == 200
    error(wide(4097), 413)
    error(wide(20_000), 413)
    assert "double underscore" in error(pinot.request("POST", "/schemas", {"schemaName": "a__b"}), 400)


def test_a_schema_that_a_table_uses_is_not_replaced_by_an_incompatible_one(pinot):
    check_equal(pinot, "11-schema-incompatible")
    assert len(pinot.request("GET", f"/schemas/{TABLE}").json()["dateTimeFieldSpecs"]) == 1
    make(pinot, "kept")
    fewer = {"schemaName": "kept"} | FIELDS | {"metricFieldSpecs": []}
    other = {"schemaName": "kept"} | FIELDS | {"metricFieldSpecs": [{"name": "clicks", "dataType": "LONG"}]}
    more = {"schemaName": "kept"} | FIELDS | {"complexFieldSpecs": [{"name": "m", "dataType": "MAP"}]}
    text = error(pinot.request("POST", "/schemas", fewer), 400)
    assert text.startswith("New schema: kept is not backward-compatible with the existing schema.\n\n"
                           "Incompatibility Details:\n- Missing columns (present in old schema but not in "
                           "new): [clicks]\n\nSuggestions to fix:\n1. ")
    text = error(pinot.request("POST", "/schemas", other), 400)
    assert "Incompatible field specifications: [clicks (old: METRIC INT, new: METRIC LONG)]" in text
    text = error(pinot.request("PUT", "/schemas/kept", fewer), 400)
    assert text.startswith("Backward incompatible schema kept. Only allow adding new columns")
    assert pinot.request("PUT", "/schemas/kept?reload=true", more).status == 200
    assert pinot.request("POST", "/schemas?force=true", other).status == 200
    # force does not excuse a table whose time column would be gone
    gone = {"schemaName": "kept", "dimensionFieldSpecs": [{"name": "site", "dataType": "STRING"}]}
    assert "Cannot find valid fieldSpec for timeColumn: ts" in error(
        pinot.request("PUT", "/schemas/kept?force=true", gone), 400)


def test_the_time_column_of_a_table_is_one_of_its_schema(pinot):
    assert pinot.request("POST", "/schemas", {"schemaName": "timed"} | FIELDS).status == 200
    config = {"tableName": "timed", "tableType": "OFFLINE", "segmentsConfig": {"timeColumnName": "when"}}
    reason = ("Cannot find valid fieldSpec for timeColumn: when from the table config: timed_OFFLINE, in "
              "the schema: timed")
    assert error(pinot.request("POST", "/tables", config), 400) == reason
    assert error(pinot.request("POST", "/tables/validate", config), 400) == (
        "Invalid table config: timed_OFFLINE. " + reason)
    good = config | {"segmentsConfig": {"timeColumnName": "ts"}}
    assert pinot.request("POST", "/tables", good).status == 200
    assert reason in error(pinot.request("PUT", "/tables/timed", config), 400)


def test_a_dimension_table_has_a_quota(pinot):
    assert pinot.request("POST", "/schemas", {"schemaName": "dim"} | FIELDS).status == 200
    config = {"tableName": "dim", "tableType": "OFFLINE", "isDimTable": True}
    text = error(pinot.request("POST", "/tables", config | {"quota": {"storage": "1G"}}), 400)
    assert text.startswith("Exceeded storage size for dimension table. Requested size: 1073741824")
    assert pinot.request("POST", "/tables", config).status == 200
    assert pinot.request("GET", "/tables/dim").json()["OFFLINE"]["quota"] == {"storage": "200M"}


# ---- credentials ----


def test_basic_credentials_come_without_their_padding(make_service):
    closed = make_service(auth="required", workers=2)
    token = closed.token("tool", "pinot:read")
    for user in ("", "u", "ci", "abc", "user"):
        whole = base64.b64encode(f"{user}:{token}".encode()).decode()
        for sent in {whole, whole.rstrip("=")}:
            assert closed.request("GET", "/tables", headers=[("Authorization", f"Basic {sent}")]).status == 200
    recorded = (TOOLS / "03-basic-without-padding.req.bin").read_bytes()
    sent = re.search(rb"Basic (\S+)", recorded)[1]
    plain = base64.b64decode(sent + b"=" * (-len(sent) % 4))
    assert len(sent) % 4 and plain.startswith(b"ci:slc_") and len(plain) == len("ci:") + len(token)


# ---- segments ----


def test_what_a_segment_says_of_its_partitions_is_kept_and_told(pinot):
    check_equal(pinot, "08a-partitioned-push")
    answer, status, told = replay(pinot, "08b-partitioned-metadata")
    want = json.loads(told)
    assert answer.status == status
    got = answer.json()
    for partitions in (want, got):
        partitions["segment.partition.metadata"] = json.loads(partitions["segment.partition.metadata"])
        partitions["custom.map"] = json.loads(partitions["custom.map"])
        partitions.pop("segment.push.time")
    # the recorder's folder stands in the file that was pushed
    want["custom.map"] = got["custom.map"]
    assert got == want


class Partitioned(Segment):
    def __init__(self, name, lines, **more):
        super().__init__(name, **more)
        self.lines = lines

    def properties(self, table="any"):
        return self.lines.encode() + super().properties(table)


@pytest.mark.parametrize("values,want", [
    ("0", [0]), ("3,1, 2 ,1", [1, 2, 3]), ("[0 2],[5 5]", [0, 1, 2, 5]), ("", []),
])
def test_partitions_come_as_numbers_or_as_ranges(pinot, values, want):
    lines = ("column.a\\ b.partitionValues = " + values + "\n"
             "column.a\\ b.partitionFunctionConfig.columnValues = x|y\n"
             "column.a\\ b.numPartitions = 8\ncolumn.a\\ b.partitionFunction = BoundedColumnValue\n")
    for push in (lambda s: pinot_push.push(pinot, TABLE, [s]),
                 lambda s: pinot.request("POST", f"/v2/segments?tableName={TABLE}", *form(s.whole()))):
        assert push(Partitioned("parts", lines, crc=hash(values) % 1000 + 5)).status == 200
        told = pinot.request("GET", f"/segments/{TABLE}/parts/metadata").json()
        assert json.loads(told["segment.partition.metadata"]) == {"columnPartitionMap": {"a b": {
            "functionName": "BoundedColumnValue", "numPartitions": 8, "partitions": want,
            "functionConfig": {"columnValues": "x|y"}}}}
    assert pinot_push.push(pinot, TABLE, [Segment("parts", crc=2)]).status == 200
    assert "segment.partition.metadata" not in pinot.request("GET", f"/segments/{TABLE}/parts/metadata").json()


def form(data):
    body, kind = multipart([("x", "x", "application/octet-stream", data)])
    return body, [("Content-Type", kind)]


@pytest.mark.parametrize("lines,status", [
    ("column.a.partitionFunction = M\n", 400),
    ("column.a.partitionFunction = M\ncolumn.a.numPartitions = x\n", 400),
    ("column.a.partitionFunction = M\ncolumn.a.numPartitions = 0\n", 400),
    ("column.a.partitionFunction = M\ncolumn.a.numPartitions = 4\ncolumn.a.partitionValues = 1,x\n", 400),
    ("column.a.partitionFunction = M\ncolumn.a.numPartitions = 4\ncolumn.a.partitionValues = [3 1]\n", 400),
    ("column.a.partitionFunction = M\ncolumn.a.numPartitions = 4\n"
     "column.a.partitionValues = [0 2000000000]\n", 413),
    ("".join(f"column.c{i}.partitionFunction = M\ncolumn.c{i}.numPartitions = 4\n" for i in range(17)), 413),
])
def test_partitions_that_make_no_sense_are_refused(pinot, lines, status):
    error(pinot_push.push(pinot, TABLE, [Partitioned("odd", lines)]), status)


def test_parameters_are_read_as_the_controller_reads_them(pinot):
    """An empty allowRefresh is the default, and of a repeated one the first counts."""
    for name in ("09a-a", "09b-allowrefresh-empty", "10-parameter-twice", "19-trailing-slash"):
        check_equal(pinot, name)
    twice = pinot_push.push(pinot, TABLE, [Segment("a")], "&allowRefresh=false&allowRefresh=true")
    error(twice, 409)


def test_small_calls_are_answered_in_the_controllers_words(pinot):
    check_equal(pinot, "12-delete-empty-list")
    answer, status, told = replay(pinot, "13-start-after-end")
    assert status == 500 and error(answer, 400) == json.loads(told)["error"]
    text = error(pinot.request("GET", f"/segments/{TABLE}?startTimestamp=x"), 400)
    assert text.startswith("Failed to parse the start/end timestamp.")
    names = [f"many{i}" for i in range(6)]
    assert pinot.request("POST", f"/segments/{TABLE}/delete", names).json() == {
        "status": f"Deleted 6 segments from table: {TABLE}_OFFLINE"}
    # of a fault of one segment and one of another, which is told depends on the order of the archive
    answer, status, told = replay(pinot, "17-two-faults")
    assert status == 403
    error(answer, 400)


def test_a_selection_leaves_out_what_does_not_lie_in_the_range(pinot):
    make(pinot, "sel")
    day = 86_400_000
    batch = [Segment(f"s{i}", start=pinot_push.START + i * day, end=pinot_push.START + (i + 1) * day)
             for i in range(5)]
    assert pinot_push.push(pinot, "sel", batch).status == 200
    begin, end = pinot_push.START + day, pinot_push.START + 3 * day
    window = f"type=OFFLINE&startTimestamp={begin}&endTimestamp={end}"
    def select(query):
        return pinot.request("GET", f"/segments/sel/select?{query}").json()
    assert select("type=OFFLINE") == [{"OFFLINE": [f"s{i}" for i in range(5)]}]
    assert select(window) == [{"OFFLINE": ["s0", "s1", "s2"]}]
    assert select(window + "&excludeOverlapping=true") == [{"OFFLINE": ["s1"]}]


@pytest.mark.parametrize("pack", [lambda raw: zstandard.ZstdCompressor().compress(raw), lz4.frame.compress,
                                  lambda raw: gzip.compress(raw) + bytes(10_000)],
                         ids=["zstd", "lz4", "padded gzip"])
def test_archives_are_read_by_their_first_bytes(pinot, pack, tmp_path):
    segment = Segment("packed", crc=5)
    raw = gzip.decompress(segment.whole(random.Random(3).randbytes(300_000)))
    whole = pack(raw)
    answer = pinot.request("POST", f"/v2/segments?tableName={TABLE}", *form(whole))
    assert answer.status == 200, answer
    assert pinot.request("GET", f"/segments/{TABLE}/packed").body == whole
    batch = pack(gzip.decompress(pinot_push.archive([Segment("b1"), Segment("b2")])))
    assert pinot_push.send(pinot, TABLE, batch).status == 200
    for broken in (whole[:-200_000], whole[:3], bytes([whole[0] ^ 1]) + whole[1:], whole + b"x"):
        text = error(pinot.request("POST", f"/v2/segments?tableName={TABLE}", *form(broken)), 400)
        assert text.startswith("the segment is no "), text


# ---- replacing segments ----


def test_the_recorded_calls_get_the_recorded_texts(pinot):
    answer, status, told = replay(pinot, "04-startreplacesegments")
    assert answer.status == status == 200
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        answer.json()["segmentLineageEntryId"])
    assert pinot.request("DELETE", f"/segments/{TABLE}?type=OFFLINE").status == 200
    check_equal(pinot, "07-select")
    names = ["05-endreplacesegments", "06-revertreplacesegments"]
    if SERVER == "nginx":  # lighttpd itself answers 411 to a POST without Content-Length
        names.append("15-post-without-length")
    for name in names:
        answer, status, told = replay(pinot, name)
        assert status == 500 and error(answer, 400) == json.loads(told)["error"], name


# ---- pushes by URI ----


def test_a_push_by_uri_fetches_a_file_below_a_folder_of_the_table(make_service, tmp_path):
    """SegmentUriPush sends the table's name in the body."""
    files = tmp_path / "files"
    files.mkdir()
    service = make_service(workers=2, settings={"DEEP_STORE_ROOTS": f"uri_file,mine=" + str(files)})
    for name in ("uri_file", "mine", "other"):
        make(service, name)

    def put(segment, table):
        path = files / f"{segment.name}.tar.gz"
        path.write_bytes(segment.whole(b"x" * 100_000, table=table))
        return f"file:{path}"

    def push(uri, target, body=b""):
        headers = [("UPLOAD_TYPE", "URI"), ("DOWNLOAD_URI", uri), ("Content-Type", "application/json")]
        return service.request("POST", target, body, headers)

    recorded = (TOOLS / "16-uripush-tablename-in-body.req.bin").read_bytes()
    body = recorded.partition(b"\r\n\r\n")[2]
    uri = put(Segment("one", crc=4), "uri_file")
    for target in ("/v2/segments", "/segments"):
        answer = push(uri, target, body)
        assert answer.json() == {"status": "Successfully uploaded segment: one of table: uri_file_OFFLINE"}
    whole = service.request("GET", "/segments/uri_file/one")
    assert whole.body == (files / "one.tar.gz").read_bytes()
    assert push(put(Segment("two"), "mine_OFFLINE"), "/v2/segments?tableName=mine").status == 200
    # another table's file, and what is none
    assert error(push(uri, "/v2/segments?tableName=mine"), 400) == "the file is no segment of table: mine"
    assert "SLUICE_DEEP_STORE_ROOTS" in error(push(uri, "/v2/segments?tableName=other"), 403)
    error(push(uri + "x", "/v2/segments?tableName=mine"), 400)
    (files / "bad.tar.gz").write_bytes(b"bad")
    error(push(f"file:{files}/bad.tar.gz", "/v2/segments?tableName=mine"), 400)
    assert "SLUICE_DEEP_STORE_ROOTS" in error(push("http://127.0.0.1/x", "/v2/segments?tableName=mine"), 403)
    error(push(uri, "/v2/segments"), 400)
    error(push(uri, "/v2/segments", b"tableName="), 400)
    error(push(uri, "/v2/segments", b"tableName=%zz"), 400)
    error(push(uri, "/v2/segments", b"tableName=" + b"x" * 5000), 413)
    assert pinot_push.rows(service, "mine").keys() == {"two"}
    assert service.leftovers() == []

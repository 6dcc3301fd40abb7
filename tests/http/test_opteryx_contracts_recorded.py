"""What the real client's contracts sent (tests/golden/opteryx/v2), sent again."""

import re

import pytest

from sluice import GOLDEN

V2 = GOLDEN / "opteryx" / "v2"
NEGOTIATIONS = sorted(V2.glob("*_POST_v2_contracts.req.bin"))
# Negotiations that are no terms, as the page of the API says, and onto a dataset that is not there.
STATUS = {"neg_bad_on_conflict": 422, "neg_json_body_not_multipart": 422, "neg_no_contract_part": 422,
          "neg_no_schema": 400, "neg_no_target": 422, "neg_sources_disagree": 409}
FLOWS = sorted(p.name.removesuffix("_POST_v2_contracts.req.bin") for p in NEGOTIATIONS
               if (V2 / p.name.replace("_contracts.req", "_contracts_ID_data.req")).exists() and
               (V2 / p.name.replace("_contracts.req", "_contracts_ID_commit.req")).exists())


def plain(path):
    return re.sub(r"^[\d.]+-", "", path.name).removesuffix("_POST_v2_contracts.req.bin")


def renamed(path, name):
    dataset = re.search(rb'"dataset": "([^"]+)"', path.read_bytes())
    return [(dataset.group(1), name.encode())] if dataset else []


@pytest.mark.parametrize("path", NEGOTIATIONS, ids=plain)
def test_every_recorded_negotiation_is_understood(shared, path):
    answer = shared.replay(path, renamed(path, "neg_" + plain(path)))
    mode = re.search(rb'"mode": "(\w+)"', path.read_bytes())
    wanted = STATUS.get(plain(path), 409 if mode and mode.group(1) == b"dataset" else 201)
    assert answer.status == wanted, answer


@pytest.mark.parametrize("flow", FLOWS)
def test_a_recorded_contract_is_committed(shared, flow):
    start = V2 / f"{flow}_POST_v2_contracts.req.bin"
    answer = shared.replay(start, renamed(start, "flow_" + re.sub(r"\W", "_", flow)))
    if b'"mode": "dataset"' in start.read_bytes():
        assert answer.status == 409, "there is no such dataset here"
        return
    assert answer.status == 201, answer
    contract = answer.json()
    for what in ("PATCH_v2_contracts_ID", "PUT_v2_contracts_ID_accept", "POST_v2_contracts_ID_data",
                 "POST_v2_contracts_ID_commit"):
        path = V2 / f"{flow}_{what}.req.bin"
        if contract["state"] == "proposed" and what.endswith("_data"):
            accepted = shared.request("PUT", f"/v2/contracts/{contract['contract_id']}/accept",
                                      {"schema_fingerprint": contract["schema_fingerprint"]})
            assert accepted.status == 200
        if not path.exists() or what.endswith("accept"):
            continue
        known = re.search(rb"/v2/contracts/(ct_\w+)", path.read_bytes()[:200]).group(1)
        answer = shared.replay(path, [(known, contract["contract_id"].encode())])
        assert answer.status == 200, (what, answer)
        contract = answer.json()
    assert contract["state"] == "committed" and contract["snapshot"]

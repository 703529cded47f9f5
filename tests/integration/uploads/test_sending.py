"""A citizen's documents: begun, added, sent, shown and given back, on real servers (D1, D2, D3, D5)."""

import hashlib
import io
import json
from uuid import uuid4

import pikepdf
from PIL import Image

from stack.settings import TEST_SIGNATURE
from tests.integration.uploads.house import Citizen, House


def pdf(text: bytes = b"0 0 m 100 100 l S") -> bytes:
    document = pikepdf.new()
    document.add_blank_page(page_size=(595, 842))
    document.pages[0].contents_add(text)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 48), 50).convert("RGB").save(out, kind)
    return out.getvalue()


async def test_what_is_clean_is_stored_sent_and_given_back_as_it_came(house: House, citizen: Citizen) -> None:
    submission = await citizen.begin(reason="Som aftalt")
    document = pdf()
    added = await citizen.add(submission, document)
    assert (added.status, added.body["state"]) == (201, "clean")
    assert added.body["sha256"] == hashlib.sha256(document).hexdigest()
    assert (await citizen.send(submission)).status == 200
    shown = await citizen.show(submission)
    assert (shown["state"], shown["title"], shown["reason"]) == ("sent", "Lægeerklæring", "Som aftalt")
    file_id = added.body["file_id"]
    got = await citizen.ask("GET", f"/v1/submissions/{submission}/files/{file_id}/content")
    assert (got.status, got.raw) == (200, document)
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    [key] = house.objects(house.buckets.clean, citizen.absence_id)
    assert key == f"{citizen.absence_id}/{file_id}/{added.body['sha256']}"
    [event] = await house.rows("select headers, payload from outbox")
    assert b"L\xc3\xa6ge" not in event["payload"]


async def test_one_infected_file_holds_back_the_whole_and_is_stored_nowhere(house: House, citizen: Citizen) -> None:
    submission = await citizen.begin()
    assert (await citizen.add(submission, pdf())).status == 201
    bad = await citizen.add(submission, pdf(b"% " + TEST_SIGNATURE + b"\n0 0 m 9 9 l S"), name="syg.pdf")
    assert (bad.status, bad.body["code"]) == (422, "infected")
    assert "virus" in bad.body["texts"]["da"]["what"]
    held = await citizen.send(submission)
    assert (held.status, held.body["code"]) == (409, "has-refused-files")
    shown = await citizen.show(submission)
    assert (shown["state"], len(shown["attempts"])) == ("open", 1)
    assert len(house.objects(house.buckets.clean, citizen.absence_id)) == 1
    assert house.objects(house.buckets.inbound, citizen.absence_id) == []
    file_id = bad.body["file"]["file_id"]
    assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}/files/{file_id}")).status == 204
    assert (await citizen.send(submission)).status == 200
    told = [json.loads(row["payload"]) for row in await house.rows("select payload from outbox order by id")]
    [refused] = [one["refused"] for one in told if "refused" in one]
    [documents] = [one["documents"] for one in told if "documents" in one]
    assert ([one["code"] for one in refused], len(documents)) == (["infected"], 1)


async def test_what_is_somebody_elses_is_not_there(house: House, citizen: Citizen) -> None:
    submission = await citizen.begin()
    file_id = (await citizen.add(submission, pdf())).body["file_id"]
    other = await house.citizen()
    for method, path in (
        ("GET", f"/v1/submissions/{submission}"),
        ("DELETE", f"/v1/submissions/{submission}"),
        ("POST", f"/v1/submissions/{submission}/send"),
        ("DELETE", f"/v1/submissions/{submission}/files/{file_id}"),
        ("GET", f"/v1/submissions/{submission}/files/{file_id}/content"),
    ):
        assert (await other.ask(method, path)).status == 404, (method, path)
    assert (await other.add(submission, pdf())).status == 404
    told = {"absence_id": str(citizen.absence_id), "title": "x"}
    assert (await other.ask("POST", "/v1/submissions", json=told)).status == 404


async def test_the_same_request_again_is_the_same_file_and_another_one_a_conflict(citizen: Citizen) -> None:
    submission, key, document = await citizen.begin(), uuid4(), pdf()
    first = await citizen.add(submission, document, key=key)
    again = await citizen.add(submission, document, key=key)
    assert again.body["file_id"] == first.body["file_id"]
    other = await citizen.add(submission, pdf(b"1 1 m 2 2 l S"), key=key)
    assert (other.status, other.body["code"]) == (409, "key-conflict")
    assert len((await citizen.show(submission))["files"]) == 1

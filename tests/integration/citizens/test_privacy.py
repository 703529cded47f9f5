"""Law L9 for the vault: no number, name or street in any log line, error body, metric, exception or unsealed column."""

import base64
import hashlib
import json
import logging
import traceback
from collections.abc import Iterator
from datetime import timedelta

import aiohttp
import pytest
from prometheus_client import generate_latest

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultRefused, VaultUnavailable
from services.citizens.domain.rights import Caller
from tests.integration.citizens.running import NOON, TOKENS, Vault

CPR = "6904907319"
NAME = "Kanariefugl Gulfjer-Østergård"
STREET = "Fuglekvidderstræde 47"
CITY = "Kanarieby"

PERSON = v1.Person(
    cpr=CPR,
    said_at=NOON,
    card=v1.Card(
        name=NAME,
        address=v1.Address(lines=(STREET,), postal_code="9999", city=CITY),
        address_protection=True,
    ),
)

ASKED_BY = {
    v1.RESOLVE_PATH: Caller.INTAKE,
    v1.CONFIRM_PATH: Caller.INTAKE,
    v1.KEYS_PATH: Caller.TASKS,
    v1.CARDS_PATH: Caller.NOTIFIER,
    v1.MONTH_KEYS_PATH: Caller.INTAKE,
    v1.DESTROY_PATH: Caller.OPS,
}


def spellings(cpr: str) -> Iterator[str]:
    """A number in the forms in which it might slip out."""
    raw = cpr.encode()
    yield from (cpr, f"{cpr[:6]}-{cpr[6:]}", f"{cpr[:6]} {cpr[6:]}", f"{cpr[4:6]}{cpr[2:4]}{cpr[:2]}{cpr[6:]}")
    yield from (base64.b64encode(raw).decode().rstrip("="), raw.hex(), "".join(f"%{byte:02X}" for byte in raw))
    yield "".join(f"\\u00{byte:02x}" for byte in raw)
    for algorithm in ("md5", "sha1", "sha256"):
        yield hashlib.new(algorithm, raw, usedforsecurity=False).hexdigest()
    yield cpr.encode("utf-16-le").hex()


CANARIES = [*spellings(CPR), *(part for part in (NAME, "Gulfjer", STREET, "Fuglekvidder", CITY))]


def found_in(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary.lower() in text.lower()]


def test_the_search_finds_a_planted_canary() -> None:
    for canary in CANARIES:
        assert found_in(f"…{canary}…")
    assert found_in(json.dumps({"x": [NAME]}, ensure_ascii=False))


async def test_nothing_of_anybody_shows_in_logs_errors_and_metrics(
    vault: Vault, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = await everything(vault)
    # pytest also listens to the access log, which is switched off; tests/…/test_process.py looks at what a process prints.
    lines = [record.getMessage() for record in caplog.records if record.name != "uvicorn.access"]
    told += [generate_latest().decode(), *lines, *capfd.readouterr()]

    assert "answered" in "".join(told)  # the logs were truly captured
    assert "not answered" in "".join(told)
    assert found_in("\n".join(told)) == []


async def test_nothing_of_anybody_stands_unsealed_in_the_database(vault: Vault) -> None:
    await everything(vault)
    owner = await vault.owner()
    tables = await owner.fetch("select tablename from pg_tables where schemaname = 'public'")
    contents = [
        str(row["line"])
        for table in tables
        for row in await owner.fetch(f'select t::text as line from "{table["tablename"]}" as t')  # noqa: S608  # names from the catalogue
    ]
    await owner.close()

    assert len(contents) >= 10
    assert found_in("\n".join(contents)) == []
    assert CPR.encode().hex() not in "\n".join(contents)


async def everything(vault: Vault) -> list[str]:
    """Good requests, bad ones, broken ones and a broken database, all about one person; whatever is told outside."""
    told: list[str] = []
    (answer,) = await vault.intake.resolve([PERSON], propose_cards=True)
    assert isinstance(answer, v1.KnownCitizen)
    assert answer.card_candidate is not None
    told += [repr(answer), repr(await vault.notifier.cards([answer.citizen_id]))]
    card = v1.CardToConfirm(citizen_id=answer.citizen_id, candidate=answer.card_candidate)
    told += [repr(card), repr(await vault.intake.confirm([card]))]
    await vault.intake.resolve([PERSON.model_copy(update={"said_at": NOON + timedelta(hours=1)})], propose_cards=True)
    told += [repr(answer), repr(PERSON), str(PERSON)]
    told += [repr(card) for card in await vault.notifier.cards([answer.citizen_id])]
    told += await refusals(vault)

    # A fault inside, with the person's row in hand
    owner = await vault.owner()
    await owner.execute("update citizen set sealed_card = sealed_cpr")
    told.append(await failure(vault.notifier.cards([answer.citizen_id])))
    await owner.execute("alter table citizen add constraint impossible check (card_said_at < '1999-01-01') not valid")
    newer = PERSON.model_copy(update={"said_at": NOON + timedelta(days=1)})
    told.append(await failure(vault.intake.resolve([newer])))
    await owner.execute("alter table citizen drop constraint impossible")
    await owner.close()
    return told


async def refusals(vault: Vault) -> list[str]:
    """Bodies that hold the person in every wrong place."""
    told = []
    person = json.loads(PERSON.model_dump_json())
    bodies: list[object] = [
        [person],
        {"people": person},
        {"people": [person | {"cpr": CPR + "0"}]},
        {"people": [person | {"cpr": f"{CPR[:6]}-{CPR[6:]}"}]},
        {"people": [person | {"cpr": int(CPR)}]},
        {"people": [person | {"said_at": CPR}]},
        {"people": [person | {"said_at": NAME}]},
        {"people": [{CPR: NAME, NAME: CPR}]},
        {"people": [person | {"card": NAME}]},
        {"people": [person | {"card": {"name": [NAME], "address": STREET, "address_protection": CPR}}]},
        {"people": [person] * 501},
        {"citizen_ids": [CPR, NAME]},
        {"citizen_id": CPR, "reason": NAME},
        {"purpose": NAME, "month": CPR},
        {"cards": [{"citizen_id": CPR, "candidate": NAME}]},
        CPR,
    ]
    async with aiohttp.ClientSession() as session:
        for path, caller in ASKED_BY.items():
            for body in bodies:
                headers = {"authorization": f"Bearer {TOKENS[caller]}", "x-request-id": CPR}
                async with session.post(vault.url + path, json=body, headers=headers) as answer:
                    assert answer.status == 422
                    told += [await answer.text(), str(answer.headers)]
        raw = json.dumps({"people": [person]}, ensure_ascii=False).encode()
        headers = {"authorization": f"Bearer {TOKENS[Caller.INTAKE]}", "content-type": "application/json"}
        for cut in range(0, len(raw), 13):
            async with session.post(vault.url + v1.RESOLVE_PATH, data=raw[:cut], headers=headers) as answer:
                told.append(await answer.text())
        for path in (f"/{CPR}", f"/v1/cards/{CPR}"):
            async with session.post(vault.url + path, headers={"authorization": CPR}) as answer:
                told.append(await answer.text())
    return told


async def failure(asking: object) -> str:
    """The client's exception, as whoever logs it would see it."""
    try:
        await asking  # type: ignore[misc]
    except (VaultUnavailable, VaultRefused) as error:
        return "".join(traceback.format_exception(error))
    raise AssertionError("this was to fail")


async def test_what_the_client_raises_holds_nothing_of_what_was_asked(vault: Vault) -> None:
    await vault.database.close()
    told = [await failure(vault.intake.resolve([PERSON]))]
    async with VaultClient("http://127.0.0.1:1", TOKENS[Caller.INTAKE]) as nowhere:
        told.append(await failure(nowhere.resolve([PERSON])))
    async with VaultClient(vault.url, "y" * 40) as stranger:
        told.append(await failure(stranger.resolve([PERSON])))
    assert found_in("\n".join(told)) == []
    assert not any(token in "\n".join(told) for token in [*TOKENS.values(), "y" * 40])

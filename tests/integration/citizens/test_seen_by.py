"""Who saw a person's data is told from the trail, by id or number, and telling it is written down (O4)."""

from datetime import timedelta

from tests.integration.citizens.running import NOON, Vault, cpr

ACTOR = "ops:kbh"


async def test_everybody_who_saw_something_is_told_in_order_and_nobody_elses_entries_are(vault: Vault) -> None:
    one, other = await vault.known(1), await vault.known(2)
    vault.clock.turn(timedelta(hours=1))
    await vault.tasks.keys([one.citizen_id, other.citizen_id])
    vault.clock.turn(timedelta(hours=1))
    await vault.notifier.cards([one.citizen_id])

    told = [sighting async for sighting in vault.parts.seen_by(one.citizen_id, actor=ACTOR)]

    assert [(one.at, one.actor, one.action, one.disclosed, one.purpose) for one in told] == [
        (NOON, "service:intake", "citizen.created", "key", "receive-notification"),
        (NOON + timedelta(hours=1), "service:tasks", "key.read", "key", "work-tasks"),
        (NOON + timedelta(hours=2), "service:notifier", "card.read", "card", "address-letter"),
        (NOON + timedelta(hours=2), ACTOR, "trail.read", "nothing", "tell-who-saw"),
    ]
    assert all(one.reference for one in told)


async def test_a_span_of_time_can_be_asked_for(vault: Vault) -> None:
    known = await vault.known(1)
    for _ in range(3):
        vault.clock.turn(timedelta(hours=1))
        await vault.notifier.cards([known.citizen_id])
    hour = timedelta(hours=1)
    span = {"since": NOON + hour, "until": NOON + 3 * hour}
    told = [one.at async for one in vault.parts.seen_by(known.citizen_id, actor=ACTOR, **span)]
    assert told == [NOON + hour, NOON + 2 * hour]


async def test_a_number_leads_to_the_living_and_an_erased_persons_trail_is_found_by_id(vault: Vault) -> None:
    known = await vault.known(1)
    assert await vault.parts.seen_by.citizen_of(cpr(1)) == known.citizen_id
    assert await vault.parts.seen_by.citizen_of(cpr(2)) is None
    await vault.ops.destroy(known.citizen_id, "erasure-request")
    assert await vault.parts.seen_by.citizen_of(cpr(1)) is None
    assert [one.action async for one in vault.parts.seen_by(known.citizen_id, actor=ACTOR)][:2] == [
        "citizen.created",
        "citizen.destroyed.erasure-request",
    ]


async def test_the_trail_of_one_person_is_read_through_an_index(vault: Vault) -> None:
    known = await vault.known(1)
    owner = await vault.owner()
    await owner.execute(
        "insert into audit_entry (actor, action, subject, object_type, object_id, purpose, at) "
        "select 'service:tasks', 'key.read', gen_random_uuid(), 'key', 'x', 'work-tasks', now() from generate_series(1, 20000)"
    )
    await owner.execute("analyze audit_entry")
    plan = await owner.fetch("explain select * from audit_entry where subject = $1 order by id", known.citizen_id)
    await owner.close()
    assert "audit_entry_by_subject" in "\n".join(row[0] for row in plan)

"""What stops or holds back a planned message: opt-outs, lists that end, caps, hours, pauses."""

from datetime import timedelta

import pytest

from consortium.campaign import states
from consortium.delivery import BATCH, Envelope, Later, Outcome
from consortium.errors import StateConflict
from consortium.model import CampaignState, Channel, MessageState, Scope, UploadState
from consortium.store import suppressions, uploads
from consortium.store.suppressions import Request
from consortium.testing.transport import MemoryTransport
from consortium.tokens import HmacTokeniser
from tests.harness.sending import NAME, START, Someone, crowd
from tests.harness.sent import Build, ban, clock_of, leaves_of, recipients


def test_opt_out_arriving_during_a_send_stops_the_next_intent(make: Build) -> None:
    world = make(crowd(60, "nurses"))
    late = "p0059@example.org"

    def opt_out(envelope: Envelope) -> None:
        if envelope.recipient.reveal() == "p0000@example.org":
            ban(world, late)

    transport = MemoryTransport(after=opt_out)
    result = world.send(transport)
    assert late not in recipients(transport)
    assert result.stopped == {("suppression", "opted_out"): 1}
    [stopped] = [x for x in leaves_of(world) if x["kind"] == "stopped"]
    assert stopped["reason"] == "opted_out"


def test_partners_ban_stops_that_partners_messages_only(make: Build) -> None:
    world = make(crowd(4, "nurses", "teachers"))
    for address in ("p0000@example.org", "p0001@example.org"):
        ban(world, address, partner="nurses")
    transport = MemoryTransport()
    result = world.send(transport)
    assert sorted(recipients(transport)) == [f"p000{i}@example.org" for i in (1, 2, 3)]
    assert result.stopped == {("suppression", "opted_out_of_partner"): 1}


def test_withdrawn_list_is_not_used_any_more(make: Build) -> None:
    world = make(crowd(50, "nurses", "teachers"))

    def withdraw(envelope: Envelope) -> None:
        if len(transport.taken) == 10:
            with world.database.write() as tx:
                upload = world.upload_ids["teachers"]
                uploads.end(tx, upload, state=UploadState.WITHDRAWN, at=world.clock.now())

    transport = MemoryTransport(after=withdraw)
    result = world.send(transport)
    assert result.stopped == {("upload", "ended"): 25 - BATCH // 2}
    assert result.state is CampaignState.FINISHED


def test_person_found_by_a_later_merge_gets_no_second_message(make: Build) -> None:
    people = [
        Someone("nurses", ("dana@example.org",), human="dana"),
        Someone("teachers", ("dana.lopez@example.net",), human="dana"),
        Someone("nurses", ("kim@example.org",)),
    ]
    transport = MemoryTransport()
    result = make(people).send(transport)
    assert len(transport.taken) == 2
    assert result.stopped == {("one_message", "already_written_to"): 1}


def test_frequency_cap_counts_other_campaigns_and_every_contact_point(make: Build) -> None:
    people = [Someone("nurses", ("dana@example.org", "d@example.net")), *crowd(3, "nurses")]
    world = make(people, guards="frequency = [{ max = 1, per_days = 7 }]")
    world.send(MemoryTransport())
    world.create(name="second")
    world.answer("nurses", name="second")
    world.plan(people[:2], name="second")
    transport = MemoryTransport()
    result = world.send(transport, name="second")
    assert transport.taken == []
    assert result.stopped == {("frequency", "too_late"): 2}


def test_quiet_hours_of_the_recipient_are_waited_for(make: Build) -> None:
    people = [
        Someone("nurses", ("west@example.org",), zones="America/Los_Angeles"),
        Someone("nurses", ("east@example.org",), zones="America/New_York"),
    ]  # it begins at 17:00 UTC: 9 o'clock in Los Angeles, 12 in New York
    world = make(people, guards="quiet_hours = { from = 20:00:00, to = 10:00:00 }", rate="1/second")
    transport = MemoryTransport()
    result = world.send(transport)
    assert recipients(transport) == ["east@example.org"]
    assert result.next_at == START + timedelta(hours=1)
    result = world.send(transport, patience=None)
    assert recipients(transport) == ["east@example.org", "west@example.org"]
    assert START + timedelta(hours=1) <= world.clock.now() < START + timedelta(hours=1, minutes=1)
    assert result.state is CampaignState.FINISHED


def test_nothing_goes_before_the_window(make: Build) -> None:
    world = make(crowd(30, "nurses"))
    clock_of(world).advance(-timedelta(minutes=10))
    transport = MemoryTransport()
    assert world.send(transport).next_at == START
    assert transport.taken == []
    assert world.send(transport, patience=None).state is CampaignState.FINISHED
    assert world.clock.now() >= START


def test_after_the_window_only_what_was_put_off_goes_and_after_the_deadline_nothing(
    make: Build,
) -> None:
    world = make(crowd(30, "nurses"), hours=1)
    clock = clock_of(world)
    clock.set(START + timedelta(minutes=59))
    at = []

    def slow(_: Envelope) -> None:
        at.append(clock.now() - START)
        clock.advance(timedelta(minutes=2))

    answers: list[Outcome] = [Later("451")] * 30
    result = world.send(MemoryTransport(answers, after=slow), patience=None)
    assert result.state is CampaignState.FINISHED
    assert result.stopped == {("deadline", "too_late"): 1, ("deadline", "window_ended"): 29}
    assert len(at) > 3
    assert max(at) <= timedelta(minutes=90)


def test_pause_takes_effect_before_the_next_batch_and_resume_goes_on(make: Build) -> None:
    world = make(crowd(60, "nurses"))

    def pause(_: Envelope) -> None:
        if len(transport.taken) == 5:
            states.pause(world.database, NAME, clock=world.clock)

    transport = MemoryTransport(after=pause)
    result = world.send(transport)
    assert (result.state, len(transport.taken)) == (CampaignState.PAUSED, BATCH)
    with pytest.raises(StateConflict, match="paused"):
        world.send(transport)
    states.resume(world.database, NAME, clock=world.clock)
    assert world.send(transport).state is CampaignState.FINISHED
    assert len(set(recipients(transport))) == len(transport.taken) == 60


def test_being_told_to_stop_gives_back_what_was_not_handed_over(make: Build) -> None:
    world = make(crowd(60, "nurses"))
    transport = MemoryTransport()
    result = world.send(transport, stop=lambda: len(transport.taken) >= 7)
    assert result.state is CampaignState.SENDING
    assert result.count(MessageState.ACCEPTED) == 7
    assert result.count(MessageState.WAITING) == 53
    assert world.send(transport).state is CampaignState.FINISHED
    assert len(set(recipients(transport))) == len(transport.taken) == 60


def test_opt_out_under_another_key_epoch_stops_the_message_at_the_last_moment(
    make: Build,
) -> None:
    world = make(crowd(4, "nurses"))
    older = HmacTokeniser(b"\xaa" * 32, epoch=0)
    with world.database.write() as tx:
        request = Request(
            at=world.clock.now(),
            channel=Channel.EMAIL,
            scope=Scope.CONSORTIUM,
            partner_id=None,
            cause="asked",
            author="operator",
        )
        suppressions.ban(tx, request, older.contact("email", ["p0002@example.org"]))
    transport = MemoryTransport()
    result = world.send(transport, tokenisers=[world.tokeniser, older])
    assert "p0002@example.org" not in recipients(transport)
    assert result.stopped == {("suppression", "opted_out"): 1}
    assert result.state is CampaignState.FINISHED

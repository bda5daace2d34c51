"""Nothing is opened or sent without its owner's yes, nor for another row than was planned."""

from datetime import timedelta

import pytest

from consortium.delivery import Later, Rejected, Unknown
from consortium.errors import PolicyRefused
from consortium.model import CampaignState, MessageState
from consortium.testing.transport import MemoryTransport
from consortium.vault.wraps import campaign_scope
from tests.harness.sending import NAME, START, Someone, crowd
from tests.harness.sent import Build, recipients


def test_owner_without_approval_is_held_while_others_go(make: Build) -> None:
    world = make(crowd(20, "nurses", "teachers"))
    world.answer("teachers", yes=False)
    transport = MemoryTransport()
    result = world.send(transport)
    assert result.held == {"teachers": "declined"}
    assert {envelope.sender for envelope in transport.taken} == {"gotv@nurses.example"}
    assert result.state is CampaignState.SENDING
    world.answer("teachers")
    assert world.send(transport).state is CampaignState.FINISHED
    assert len(transport.taken) == 20


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"digest": b"\x00" * 32}, "other_text"),
        ({"until": START - timedelta(seconds=1)}, "approval_ended"),
        ({"ceiling": 0}, "ceiling_reached"),
        ({"yes": False}, "declined"),
    ],
)
def test_newest_answer_must_be_a_yes_to_this_text_now_and_with_room(
    make: Build, answer: dict[str, object], reason: str
) -> None:
    world = make(crowd(4, "nurses", "teachers"))
    world.answer("nurses", **answer)  # type: ignore[arg-type] - by name
    transport = MemoryTransport()
    assert world.send(transport).held == {"nurses": reason}
    assert {envelope.sender for envelope in transport.taken} == {"gotv@teachers.example"}


def test_nothing_that_may_go_is_refused_by_name(make: Build) -> None:
    world = make(crowd(4, "nurses", "teachers"))
    world.answer("nurses", yes=False)
    world.wraps.drop(campaign_scope(NAME), upload=world.digests["teachers"])
    with pytest.raises(PolicyRefused) as caught:
        world.send(MemoryTransport())
    assert caught.value.message == (
        "nurses has declined this campaign, and 1 more hold theirs back"
    )


def test_ceiling_is_never_passed_and_a_higher_one_lets_the_rest_go(make: Build) -> None:
    world = make(crowd(50, "nurses"))
    world.answer("nurses", ceiling=33)
    transport = MemoryTransport([Rejected("550 5.1.1"), Unknown("timeout"), Later("451")])
    result = world.send(transport, patience=None)
    assert result.held == {"nurses": "ceiling_reached"}
    assert result.count(MessageState.WAITING) == 17
    world.answer("nurses", ceiling=50)
    assert world.send(transport, patience=None).state is CampaignState.FINISHED


def test_without_a_wrap_nothing_of_an_upload_is_opened(make: Build) -> None:
    world = make(crowd(6, "nurses", "teachers"))
    world.wraps.drop(campaign_scope(NAME), upload=world.digests["nurses"])
    result = world.send(transport := MemoryTransport())
    assert result.held == {"nurses": "no_wrap"}
    assert {envelope.sender for envelope in transport.taken} == {"gotv@teachers.example"}
    world.answer("nurses")
    assert world.send(transport).state is CampaignState.FINISHED


def test_wrap_around_another_key_opens_nothing_and_spends_no_recipient(make: Build) -> None:
    world = make(crowd(6, "nurses", "teachers"))
    nurses, teachers = world.digests["nurses"], world.digests["teachers"]
    foreign = world.wraps.get(campaign_scope(NAME), upload=teachers)
    assert foreign is not None
    world.wraps.put(campaign_scope(NAME), upload=nurses, wrap=foreign)
    assert world.send(MemoryTransport()).held == {"nurses": "no_wrap"}


def test_standing_yes_needs_no_answer_and_uses_the_standing_wrap(make: Build) -> None:
    world = make(crowd(4, "nurses", "teachers"))
    world.set_policy("nurses", approval="standing")
    world.create(name="second")
    world.answer("teachers", name="second")
    world.plan(crowd(4, "nurses", "teachers"), name="second")
    assert world.send(MemoryTransport(), name="second").held == {"nurses": "no_wrap"}
    world.wrap("nurses")
    transport = MemoryTransport()
    assert world.send(transport, name="second").state is CampaignState.FINISHED
    assert {envelope.sender for envelope in transport.taken} == {"gotv@nurses.example"}


def test_details_moved_to_another_row_reach_nobody(make: Build) -> None:
    world = make(crowd(4, "nurses"))
    with world.database.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE consortium_source_row SET details ="
            " (SELECT details FROM consortium_source_row WHERE number = 1) WHERE number = 3"
        )
    transport = MemoryTransport()
    result = world.send(transport)
    assert recipients(transport) == [f"p000{i}@example.org" for i in (0, 1, 3)]
    assert result.stopped == {("details", "do_not_open"): 1}


def test_message_moved_to_another_contact_point_reaches_nobody(make: Build) -> None:
    world = make(crowd(4, "nurses"))
    with world.database.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE consortium_message SET row_id ="
            " (SELECT row_id FROM consortium_message WHERE number = 1) WHERE number = 3"
        )
    transport = MemoryTransport()
    result = world.send(transport)
    assert recipients(transport) == [f"p000{i}@example.org" for i in (0, 1, 3)]
    [stopped] = result.stopped
    assert stopped in {("details", "other_address"), ("one_message", "already_written_to")}
    assert result.count(MessageState.STOPPED) == 1


def test_second_address_of_a_row_is_used_when_the_plan_chose_it(make: Build) -> None:
    people = [Someone("nurses", ("first@example.org", "second@example.org"))]
    world = make(people)
    with world.database.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE consortium_message SET point_id = (SELECT point_id FROM consortium_row_contact"
            " WHERE position = 1)"
        )
    transport = MemoryTransport()
    world.send(transport)
    assert recipients(transport) == ["second@example.org"]

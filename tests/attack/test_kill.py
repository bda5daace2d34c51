"""The attacker is chance: `kill -9` of a sending process, again and again, with real processes.

Whatever the moment: no address gets two messages, every message ends in a definite state, each
crash leaves at most the stated bound of `unknown`, and every one of these is named.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from consortium.clock import SystemClock
from consortium.delivery import BATCH
from consortium.model import CampaignState, MessageState
from consortium.store import campaigns, ledger, messages
from consortium.store.engine import Database
from consortium.testing.smtp_sink import kept, running
from consortium.types import EntryIndex, MessageName
from tests.harness.sending import NAME, World, build, crowd

ROOT = Path(__file__).parents[2]
MESSAGES = 700
KILLS = {"sqlite": 20, "postgresql": 4}


class Sender:
    """A process that sends the campaign."""

    def __init__(self, world: World, port: int) -> None:
        url = world.database.engine.url.render_as_string(hide_password=False)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.sending", url, str(world.folder), str(port)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_sending(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line != "sending\n":
            _, errors = self.process.communicate(timeout=60)
            pytest.fail(f"the sender did not start: {errors}")

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=60)

    def finish(self) -> list[str]:
        output, errors = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, errors
        return output.split()


def counts(database: Database) -> Counter[MessageState]:
    found: Counter[MessageState] = Counter()
    with database.read() as tx:
        for t in messages.tally(tx, campaigns.get(tx, NAME).id):
            found[t.state] += t.messages
    return found


def names(database: Database, state: MessageState) -> set[MessageName]:
    with database.read() as tx:
        return set(messages.names(tx, campaigns.get(tx, NAME).id, state=state))


def leaves(database: Database) -> list[dict[str, object]]:
    with database.read() as tx:
        return [
            json.loads(leaf)
            for index, entry in enumerate(list(ledger.entries(tx)))
            if json.loads(entry)["kind"] == "send_batch"
            for leaf in ledger.leaves(tx, EntryIndex(index))
        ]


def test_killing_the_sender_at_any_moment_never_sends_twice_and_loses_track_of_nothing(
    database: Database, tmp_path: Path
) -> None:
    chance = random.Random(20261103)
    world = build(
        database,
        tmp_path,
        crowd(MESSAGES, "nurses", "teachers", "tenants"),
        clock=SystemClock(),
        rate="90/second",
    )
    mails = tmp_path / "mails"
    kills = KILLS[database.engine.dialect.name]
    in_doubt: set[MessageName] = set()
    with running(mails) as port:
        for _ in range(kills):
            sender = Sender(world, port)
            sender.wait_until_sending()
            time.sleep(chance.uniform(0.0, 0.6))
            sender.kill()
            left = names(database, MessageState.INTENDED)
            assert len(left) <= BATCH
            in_doubt |= left
            if database.engine.dialect.name == "postgresql":
                time.sleep(0.5)  # the server has to notice that whoever held the lock is gone
        last = Sender(world, port)
        last.wait_until_sending()
        words = last.finish()
    assert words[0] == CampaignState.FINISHED.value

    state = counts(database)
    assert set(state) <= {MessageState.ACCEPTED, MessageState.UNKNOWN}
    assert state.total() == MESSAGES
    assert 0 < state[MessageState.UNKNOWN] <= kills * BATCH
    arrived = Counter(mail.recipient.reveal() for mail in kept(mails))
    assert max(arrived.values()) == 1
    assert len(arrived) >= state[MessageState.ACCEPTED]
    assert len(arrived) <= MESSAGES

    recorded = leaves(database)
    intents = {(x["message"], x["attempt"]) for x in recorded if x["kind"] == "intent"}
    outcomes = [(x["message"], x["attempt"]) for x in recorded if x["kind"] == "outcome"]
    assert sorted(intents) == sorted(outcomes)
    named = names(database, MessageState.UNKNOWN)
    assert {x["message"] for x in recorded if x.get("outcome") == "unknown"} == named == in_doubt
    assert len(named) == state[MessageState.UNKNOWN]


def test_interrupting_the_sender_leaves_nothing_in_doubt(
    sqlite_database: Database, tmp_path: Path
) -> None:
    world = build(
        sqlite_database,
        tmp_path,
        crowd(200, "nurses", "teachers"),
        clock=SystemClock(),
        rate="80/second",
    )
    mails = tmp_path / "mails"
    with running(mails) as port:
        sender = Sender(world, port)
        sender.wait_until_sending()
        while len(list(mails.glob("*.eml"))) < 30:
            time.sleep(0.05)
        sender.process.send_signal(signal.SIGINT)
        assert sender.finish()[0] == CampaignState.SENDING.value
        state = counts(sqlite_database)
        assert set(state) == {MessageState.ACCEPTED, MessageState.WAITING}
        assert len(kept(mails)) == state[MessageState.ACCEPTED] < 200
        again = Sender(world, port)
        again.wait_until_sending()
        assert again.finish() == [CampaignState.FINISHED.value]
    arrived = Counter(mail.recipient.reveal() for mail in kept(mails))
    assert len(arrived) == arrived.total() == 200

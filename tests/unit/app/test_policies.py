"""Policies by the façade: what changes on the host when one takes the place of another."""

from pathlib import Path

from consortium.vault.wraps import OWNER, STANDING, WrapStore
from tests.harness.demo_house import DATA, demo_house


def test_policy_that_asks_for_approval_takes_back_the_standing_keys(tmp_path: Path) -> None:
    with demo_house(tmp_path) as house:
        wraps = WrapStore(tmp_path / "wraps")
        for upload in wraps.uploads(OWNER):
            wrap = wraps.get(OWNER, upload=upload)
            assert wrap is not None
            wraps.put(STANDING, upload=upload, wrap=wrap)  # as an earlier policy may have allowed
        policy = (DATA / "documents/nurses.toml").read_text(encoding="utf-8")
        for approval, kept in (("standing", 4), ("each-campaign", 3)):
            text = policy.replace('approval = "each-campaign"', f'approval = "{approval}"')
            text += "# once more\n"  # what was in force before is not set again as it was
            house.host.policies.set(house.desks["nurses"].sign_policy(text))
            assert len(wraps.uploads(STANDING)) == kept

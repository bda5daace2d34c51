"""What a partner's last day means once it is over."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from tests.attack.stage import Stage, people


def test_a_merge_makes_no_person_of_a_list_whose_last_day_is_over(tmp_path: Path) -> None:
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 21))
    stage.join("teachers", people(11, 31))
    host = stage.host
    database = host._context.database
    today = stage.clock.now().date()
    for last_day, persons in ((today, 30), (today - timedelta(days=1), 20)):
        with database.write() as tx:
            tx.execute(
                text("UPDATE consortium_upload SET expires_on = :day WHERE id = 2"),
                {"day": last_day.isoformat()},
            )
        assert host.merge().persons == persons
    assert [u.state.value for u in host.uploads.list()] == ["active", "expired"]
    assert host.uploads.show("u-0002").erased

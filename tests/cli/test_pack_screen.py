"""The screen of `upload pack` accounts for every record of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness.cli_world import today

if TYPE_CHECKING:
    from tests.harness.cli_world import World

LIST = """email,phone,first_name,Do Not Email,Do Not Text
ann@mail.example.org,,Ann,no,no
ANN@mail.example.org,,Ann,no,no
bea@mail.example.org,+1 503 555 0144,Bea,yes,no
cal@mail.example.org,,Cal,yes,
broken,,Dee,no,no
"""


def test_rows_opt_outs_unusable_and_repeated_add_up_to_the_list(world: World) -> None:
    (world / "five.csv").write_text(LIST)
    options = ("--list", "five", "--obtained", str(today()), "--attest", f"sms=express@{today()}")
    packed = world.run("upload", "pack", "five.csv", *options, home="nurses")
    assert packed.code == 5
    assert "five.pack: 2 rows · 1 opt-out · 1 unusable · 1 repeated · " in packed.out
    assert "of the rows, 1 blocked in part: with them the host counts 2 opt-outs" in packed.out
    added = world.run("upload", "add", str(world / "five.pack"), home="host")
    assert "    2 rows · 2 opt-outs · 1 unusable · 1 repeated" in added.out


def test_a_comparison_says_what_its_new_and_lost_opt_outs_are_counted_in(world: World) -> None:
    lists = {
        "one": LIST,
        "two": LIST.replace("Bea,yes,no", "Bea,yes,yes"),
    }
    for name, text in lists.items():
        (world / f"{name}.csv").write_text(text)
        options = (
            "--list",
            "five",
            "--obtained",
            str(today()),
            "--attest",
            f"sms=express@{today()}",
        )
        assert world.run("upload", "pack", f"{name}.csv", *options, home="nurses").code == 5
    compared = world.run("upload", "diff", "one.pack", "two.pack", home="nurses")
    counted = (
        "  opt-outs  2 → 2\n            of their addresses and numbers:\n            1 new · 0 not"
    )
    assert counted in compared.out

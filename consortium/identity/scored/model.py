"""The same comparisons as a Splink model, over a table of hashed attributes.

Used to learn weights and to check that they are added up as Splink does; a merge does not need it.
DuckDB works in memory and is given nothing but hashes; it never touches our database, because two
SQLite libraries in one process lose each other's locks. Needs the extra `scored`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from consortium.errors import UsageError
from consortium.identity.scored.attributes import LEVELS

if TYPE_CHECKING:
    from splink import Linker

__all__ = ["CONDITIONS", "NULLS", "linker"]

_SHARE = "list_has_any({0}_l, {0}_r)"
_KNOW = "{0}_l IS NOT NULL AND {0}_r IS NOT NULL"

NULLS: Final[Mapping[str, str]] = {
    "first": "first_l IS NULL OR first_r IS NULL",
    "surname": "surname_l IS NULL OR surname_r IS NULL",
    "birth": "birth_l IS NULL OR birth_r IS NULL",
    "address": "postcode_l IS NULL OR postcode_r IS NULL",
    "contact": f"NOT (({_KNOW.format('emails')}) OR ({_KNOW.format('phones')}))",
}
"""Comparison → when one of two rows does not say, in SQL."""

CONDITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "first": {
        "same": "first_l = first_r",
        "short form": "first_class_l = first_class_r",
        "alike": "first_sound_l = first_sound_r OR first_start_l = first_start_r",
        "swapped": "first_sound_l = surname_r AND surname_l = first_sound_r",
    },
    "surname": {"alike": "surname_l = surname_r"},
    "birth": {
        "same": "birth_l = birth_r",
        "slip": "(birth_year_l = birth_year_r AND (birth_month_l = birth_month_r"
        " OR birth_day_l = birth_day_r"
        " OR (birth_day_l = birth_month_r AND birth_month_l = birth_day_r)))"
        " OR (birth_month_l = birth_month_r AND birth_day_l = birth_day_r)",
    },
    "address": {
        "same": "address_l = address_r",
        "postcode": "postcode_l = postcode_r",
        "district": "district_l = district_r",
    },
    "contact": {
        "both": f"{_SHARE.format('emails')} AND {_SHARE.format('phones')}",
        "e-mail": _SHARE.format("emails"),
        "telephone": _SHARE.format("phones"),
        "neither": f"{_KNOW.format('emails')} AND {_KNOW.format('phones')}",
        "other e-mail": _KNOW.format("emails"),
    },
}
"""Comparison → level → its condition in SQL; the last level of each has none."""


def linker(
    table: Iterable[Mapping[str, Any]],
    *,
    blocking: Iterable[Any],
    m: Mapping[str, Mapping[str, float]] | None = None,
    u: Mapping[str, Mapping[str, float]] | None = None,
    prior: float = 0.0001,
    only: Iterable[str] = tuple(LEVELS),
    also: Iterable[Any] = (),
    keep: Iterable[str] = (),
) -> Linker:
    """A Splink linker in memory.

    Args:
        table: Rows of hashed attributes, each with a `unique_id`.
        blocking: Splink's rules for which pairs to look at.
        m, u: Shares by comparison and level; None: to be learnt.
        prior: The share of pairs that are of one human, before training says otherwise.
        only: Which of our comparisons.
        also: Further Splink comparisons.
        keep: Further columns of the table.

    Raises:
        UsageError: The extra is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - of the extra
        from splink import DuckDBAPI, Linker, SettingsCreator  # noqa: PLC0415 - the same
    except ImportError as error:
        raise UsageError(
            "this needs Splink, which is not installed",
            hint="pip install 'contact-consortium[scored]'",
        ) from error
    api = DuckDBAPI(duckdb.connect(":memory:", config={"temp_directory": ""}))
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[*(_comparison(name, m, u) for name in only), *also],
        blocking_rules_to_generate_predictions=list(blocking),
        probability_two_random_records_match=prior,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
        additional_columns_to_retain=list(keep),
    )
    return Linker(api.register(list(table)), settings, log_level=None)


def _comparison(
    name: str,
    m: Mapping[str, Mapping[str, float]] | None,
    u: Mapping[str, Mapping[str, float]] | None,
) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": NULLS[name], "label_for_charts": "not said", "is_null_level": True}
    ]
    for level in LEVELS[name]:
        known = {"m_probability": m[name][level]} if m else {}
        known |= {"u_probability": u[name][level]} if u else {}
        condition = CONDITIONS[name].get(level, "ELSE")
        levels.append({"sql_condition": condition, "label_for_charts": level, **known})
    return {"output_column_name": name, "comparison_levels": levels}

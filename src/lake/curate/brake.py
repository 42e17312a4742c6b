"""What stops an entity before a load touches a table: parts that are not what was committed, and too many bad rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.errors import QualityBrake, RawDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pyspark.sql import DataFrame

    from lake.contract.plan import Plan
    from lake.curate.balance import Tally
    from lake.curate.manifests import Manifest
    from lake.curate.store import Store

AT_ONCE = 16
"""Objects that are asked for at a time."""
RULES_NAMED = EXAMPLES = 3


def verify_parts(store: Store, loads: Sequence[Manifest]) -> None:
    """Raise RawDamaged where the bytes of a part are not those that its manifest names by their SHA-256."""
    parts = [(load.load, part) for load in loads for part in load.parts]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda each: store.sha256(each[1].key), parts))
    for (load, part), digest in zip(parts, found, strict=True):
        if digest != part.sha256:
            what = "is gone" if digest is None else f"has the SHA-256 {digest}, its manifest says {part.sha256}"
            raise RawDamaged(
                f"load {load}: {part.key} {what}; nothing was written",
                "restore it from its noncurrent versions; where that can't be done, reload the entity and discard the load "
                "(docs/operations.md)",
            )


def brake_on_bad_rows(
    plan: Plan,
    loads: Sequence[Manifest],
    tally: Tally,
    accepted: Collection[int],
    examples: Callable[[int], Sequence[tuple[int, str]]],
) -> None:
    """Raise QualityBrake where more of a load's rows are bad than the contract lets pass and nobody has accepted it.

    `examples`: some bad rows of a load, each with the names of the rules that it breaks.
    """
    limit = plan.curated
    for load in loads:
        number = tally.bad.get(load.load, 0)
        if load.load in accepted or load.rows < limit.bad_min_rows or number <= limit.bad_fraction * load.rows:
            continue
        rules = sorted(tally.broken_in[load.load].items(), key=lambda item: (-item[1], item[0]))
        named = ", ".join(f"{rule} {count:,}" for rule, count in rules[:RULES_NAMED])
        some = examples(load.load)
        shown = ", ".join(f"row {row} ({reasons})" for row, reasons in some)
        raise QualityBrake(
            f"load {load.load} of {plan.entity}: {number:,} of {load.rows:,} rows break the contract ({named}), more than "
            f"the {limit.bad_fraction:.0%} that it lets pass, for example {shown}; nothing was written, and loads behind it wait",
            f"look at some of them (lake quarantine show {plan.entity} {load.load} {some[0][0]}); then mend the contract and "
            f"deploy, or let them go to quarantine (lake accept {plan.entity} {load.load} --why ...), or leave the load out "
            f"(lake discard {plan.entity} {load.load} --why ...); then run again",
        )


def bad_examples(batch: DataFrame, load: int) -> list[tuple[int, str]]:
    """The first bad rows of a load."""
    bad = batch.where((F.col("_load") == load) & (F.size("_reasons") > 0))
    some = bad.select("_row", F.array_join("_reasons", ", ").alias("reasons")).orderBy("_row").limit(EXAMPLES).collect()
    return [(row["_row"], row["reasons"]) for row in some]

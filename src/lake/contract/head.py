"""What a contract says of itself: its standard and version, whose it is, how fresh its data are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from open_data_contract_standard.model import Team

from lake.contract.keys import REFUSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from open_data_contract_standard.model import CustomProperty, OpenDataContractStandard
    from pydantic import BaseModel

    from lake.contract.errors import Findings
    from lake.contract.plan import Field

SECONDS = {"m": 60, "h": 3600, "d": 86400}
OURS = "lake"


def check_head(found: Findings, contract: OpenDataContractStandard, source: str) -> None:
    """The keys at a contract's top."""
    if contract.kind != "DataContract":
        found.add("kind", f"is {contract.kind!r}, expected DataContract")
    if not re.fullmatch(r"v3\.\d+\.\d+", contract.apiVersion or ""):
        found.add("apiVersion", f"is {contract.apiVersion!r}, expected a version 3 of the standard, such as v3.1.0")
    if contract.id != f"{source}.{contract.name}":
        found.add("id", f"is {contract.id!r}, expected {source}.{contract.name} (folder and `name`)")
    if not re.fullmatch(r"\d+\.\d+\.\d+", contract.version or ""):
        found.add("version", f"is {contract.version!r}, expected MAJOR.MINOR.PATCH")


def check_names(found: Findings, place: str, properties: Sequence[CustomProperty] | None, known: Sequence[str]) -> None:
    """Custom properties are ours by name, or say by `vendor` whose they are."""
    for position, item in enumerate(properties or []):
        if item.vendor in (None, OURS) and item.property not in known:
            there = ", ".join(known) or "none"
            reason = f"{item.property!r} is not read here; there are: {there}. Of others say whose they are: `vendor`"
            found.add(f"{place}[{position}]", reason)


def check_unread(found: Findings, contract: OpenDataContractStandard) -> None:
    """Custom properties that nobody reads, and keys that promise what nobody keeps."""
    check_names(found, "customProperties", contract.customProperties, ("extraction", "curated"))
    _refuse(found, "contract", contract, "")
    for position, item in enumerate(contract.slaProperties or []):
        _refuse(found, "sla", item, f"slaProperties[{position}].")
    for number, table in enumerate(contract.schema_ or []):
        place = f"schema[{number}]"
        check_names(found, f"{place}.customProperties", table.customProperties, ("child",) if number else ())
        if not table.description:
            found.add(f"{place}.description", "is missing: the catalog shows it")
        for position, field in enumerate(table.properties or []):
            where = f"{place}.properties[{position}]"
            check_names(
                found, f"{where}.customProperties", field.customProperties, ("form", "renamed_from", "severity")
            )
            _refuse(found, "field", field, f"{where}.")


def _refuse(found: Findings, part: str, said: BaseModel, prefix: str) -> None:
    for key in sorted(said.model_fields_set & REFUSED[part].keys()):
        if getattr(said, key) is not None:
            found.add(f"{prefix}{key}", f"is not read: {REFUSED[part][key]}")


def owner_of(found: Findings, contract: OpenDataContractStandard) -> str:
    """Whose the contract is: `Order desk <order-desk@example.com>`."""
    team = contract.team
    if not isinstance(team, Team):
        found.add("team", "is missing: `{name, members: [{username, role: owner}]}` says whom to ask")
        return ""
    owners = [member.username for member in team.members or [] if member.role == "owner" and member.username]
    if not team.name or not owners:
        found.add("team", "lacks a `name`, or a member with `role: owner` and a `username` (an address)")
        return ""
    return f"{team.name} <{', '.join(owners)}>"


def freshness_of(found: Findings, contract: OpenDataContractStandard, fields: Sequence[Field]) -> int:
    """The seconds that the entity may be behind, from the SLA property `latency` (ODCS), in units of m, h or d."""
    freshness = 0
    columns = [f"{contract.name}.{field.name}" for field in fields]
    for position, item in enumerate(contract.slaProperties or []):
        place = f"slaProperties[{position}]"
        if item.property != "latency":
            found.add(place, f"{item.property!r} is not read; there is: latency")
        elif item.unit not in SECONDS or isinstance(item.value, bool) or not isinstance(item.value, int | float):
            found.add(place, "latency takes a number and a unit of m, h or d")
        else:
            freshness = int(item.value * SECONDS[item.unit])
        if item.element is not None and item.element not in columns:
            found.add(f"{place}.element", f"there is no {item.element}")
    if not any(item.property == "latency" for item in contract.slaProperties or []):
        found.add("slaProperties", "lacks `latency`: the freshness that the entity owes")
    return freshness

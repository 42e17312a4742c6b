"""Copies of the project's contracts and of the examples, with edits of a few words."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
CONTRACTS, EXAMPLES = ROOT / "contracts", ROOT / "docs" / "examples"
ORDER = "erp/sales_order.odcs.yaml"
PARTNER = "erp/business_partner.odcs.yaml"
ACCOUNT = "crm/account.odcs.yaml"
USER = "crm/user.odcs.yaml"
CONTACT = "hubspot/contact.odcs.yaml"
type Edit = Callable[[dict[str, Any]], Any]


def contracts(folder: Path, edits: dict[str, Edit] | None = None) -> Path:
    """A copy of some of the project's contracts, those to be edited among them."""
    for name in {ORDER, PARTNER, ACCOUNT, USER, "crm/source.yaml", "erp/source.yaml", *(edits or {})}:
        # Not safe_load: SAM, where a test of this process has loaded it, makes ordered mappings of it that can't be written.
        raw = yaml.load((CONTRACTS / name).read_text("utf-8"), yaml.CSafeLoader)
        edit = (edits or {}).get(name)
        if edit is not None:
            edit(raw)
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.dump(raw, allow_unicode=True, Dumper=yaml.CSafeDumper), "utf-8")
    return folder


def edited(folder: Path, name: str, edit: Edit) -> Path:
    """A copy of the example that a file belongs to, with the file edited."""
    source = name.partition("/")[0]
    shutil.copytree(EXAMPLES / source, folder / source)
    path = folder / name
    raw = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    edit(raw)
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    return folder


def extraction(raw: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(p["value"] for p in raw["customProperties"] if p["property"] == "extraction")
    return found


def prop(raw: dict[str, Any], field: str, table: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = next(p for p in raw["schema"][table]["properties"] if p["physicalName"] == field)
    return found


def own(part: dict[str, Any], name: str, value: Any) -> None:
    """Gives a part of a contract a custom property."""
    part.setdefault("customProperties", []).append({"property": name, "value": value})


def curated(raw: dict[str, Any], **value: Any) -> None:
    own(raw, "curated", value)

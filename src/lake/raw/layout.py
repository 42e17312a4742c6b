"""Where things lie in the raw bucket (docs/formats.md, "Raw bucket")."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def data_key(entity: str, major: int, loaded_at: datetime, load_id: str, part: int) -> str:
    """The key of a part of rows."""
    return f"data/{_path(entity)}/major={major}/loaded_on={loaded_at:%Y-%m-%d}/{load_id}-{part:05}.parquet"


def keys_key(entity: str, load_id: str, part: int) -> str:
    """The key of a part of a sweep's keys."""
    return f"keys/{_path(entity)}/{load_id}-{part:05}.parquet"


def tombstones_key(entity: str, load_id: str, part: int) -> str:
    """The key of a part of keys that are gone."""
    return f"tombstones/{_path(entity)}/{load_id}-{part:05}.parquet"


def manifests_prefix(entity: str) -> str:
    """What the keys of an entity's manifests begin with; they sort as their numbers do."""
    return f"manifests/{_path(entity)}/"


def manifest_key(entity: str, load: int) -> str:
    """The key of a manifest."""
    return f"{manifests_prefix(entity)}{load:012}.json"


def decisions_prefix(entity: str) -> str:
    """What the keys of the decisions on an entity's loads begin with."""
    return f"decisions/{_path(entity)}/"


def decision_key(entity: str, load: int) -> str:
    """The key of what somebody decided about a load that was stopped."""
    return f"{decisions_prefix(entity)}{load:012}.json"


def fingerprints_key(entity: str, load_id: str) -> str:
    """The key of the fingerprints that belong to a window."""
    return f"fingerprints/{_path(entity)}/{load_id}.parquet"


def fetches_key(entity: str, load: int) -> str:
    """The key of the list of rows that the sweep which ends in this load saw and the lake lacks."""
    return f"fetches/{_path(entity)}/{load:012}.json"


def suspects_key(entity: str, load: int) -> str:
    """The key of the list of rows that the lake has and the sweep by shifting pages that ends in this load did not see."""
    return f"fetches/{_path(entity)}/{load:012}-suspects.json"


def plan_key(sha256: str) -> str:
    """The key of a plan."""
    return f"plans/{sha256}.json"


def report_key(run_id: str) -> str:
    """The key of a run's report."""
    return f"runs/{run_id}.json"


def _path(entity: str) -> str:
    return entity.replace(".", "/", 1)

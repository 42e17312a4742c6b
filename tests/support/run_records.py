"""What an extraction and a curating record of themselves, where all is well."""

from __future__ import annotations

EXTRACT = {"received": 10, "landed": 8, "repeated": 1, "beyond": 1}
CURATE = {
    "landed": 8,
    "merged": 6,
    "superseded": 0,
    "unchanged": 1,
    "quarantined": 1,
    "tombstoned": 0,
    "live_by_raw": 8,
    "live_in_tables": 8,
    "live_rows": 8,
    "broken": {"category_is_known": 1},
}

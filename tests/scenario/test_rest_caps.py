"""More rows of one instant than one query gives: HubSpot's 10,000 results a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.raw_lake import RawLake, Source

CONTACTS = "hubspot.contact"
TIED = 11_000


@pytest.fixture
def hubspot(start_source: Callable[..., Source]) -> Source:
    return start_source("hubspot", size="M")


def test_more_rows_of_one_stamp_than_a_search_gives_are_read_whole(raw_lake: RawLake, hubspot: Source) -> None:
    raw_lake.run(CONTACTS)
    hubspot.control.advance(hours=1)
    assert hubspot.control.touch(CONTACTS, rows=TIED) == TIED
    hubspot.control.advance(hours=2)
    beyond = requests.post(
        f"{hubspot.url}/crm/v3/objects/contacts/search",
        json={"limit": 200, "after": "10000"},
        headers={"Authorization": f"Bearer {raw_lake.secrets['hubspot']['token']}"},
        timeout=20,
    )
    assert beyond.status_code == 400
    results = raw_lake.run(CONTACTS)
    assert sum(result.counts.landed for result in results) == TIED
    newest = raw_lake.newest(CONTACTS)
    assert {key: row["_cursor"] for key, row in newest.items()} == {
        (row["hs_object_id"],): row["lastmodifieddate"].replace("Z", "000Z") for row in hubspot.rows("contacts")
    }

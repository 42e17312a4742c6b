"""Histories that went wrong once, or would have but for a line of code. Each is named for what they show."""

from __future__ import annotations

from typing import Any

from tests.convergence.histories import History

READ: dict[str, Any] = {"do": "invoke"}
TORN: dict[str, Any] = {"do": "invoke", "dies_behind": "s3.PutObject manifests"}
SOON: dict[str, Any] = {"do": "advance", "minutes": 3}
DAY: dict[str, Any] = {"do": "advance", "minutes": 25 * 60}
FLIP: dict[str, Any] = {"do": "flip", "seed": 5, "favourite": True, "unstamped": True}

CASES: dict[str, History] = {
    "the_oldest_stamp_of_a_source_that_sorts_by_one_field": History(
        "hubspot-sweep", {"page_size": 8, "window_s": 90 * 86_400}, (READ,)
    ),
    "a_row_that_becomes_visible_late": History(
        "salesforce-flag",
        {"page_size": 8},
        (READ, {"do": "edit", "seed": 1, "rows": 3, "late": 5}, SOON, READ, SOON, READ),
    ),
    "a_row_that_goes_back_behind_a_load_that_no_state_names": History(
        "odata-sweep", {"page_size": 8}, (FLIP, SOON, READ, FLIP, SOON, TORN, FLIP, SOON, READ)
    ),
    "a_row_without_stamps_that_goes_back_behind_a_load_that_no_state_names": History(
        "stampless-sweep", {"page_size": 8}, (FLIP, DAY, READ, FLIP, DAY, TORN, FLIP, DAY, READ)
    ),
    "a_row_that_goes_back_to_what_it_was_when_the_delta_link_was_given": History(
        "odata-delta", {"page_size": 8}, (FLIP, READ, FLIP, TORN, FLIP)
    ),
    "rows_that_a_backup_brings_back_while_the_feed_still_tells_of_them": History(
        "salesforce-feed",
        {"page_size": 8},
        (
            READ,
            {"do": "keep"},
            SOON,
            {"do": "erase", "seed": 2, "rows": 3},
            {"do": "restore"},
            {"do": "reload"},
            SOON,
            READ,
            SOON,
            READ,
        ),
    ),
    "a_key_that_a_delta_link_shows_as_a_row_and_as_removed": History(
        "odata-delta", {"page_size": 8, "both": True}, (READ, {"do": "erase", "seed": 2, "rows": 2}, SOON, READ)
    ),
    "pages_that_are_counted_and_have_another_size_in_the_next_invocation": History(
        "pages-none",
        {"page_size": 8},
        (
            {"do": "faults", "faults": [{"kind": "page_cap", "seed": 1, "rows": 1}]},
            {"do": "invoke", "requests": 3},
            {"do": "faults", "faults": []},
            READ,
        ),
    ),
    "an_answer_to_a_count_is_repeated_in_the_place_of_a_page": History(
        "salesforce-feed",
        {"page_size": 8, "parallel_windows": 3},
        (
            {
                "do": "faults",
                "faults": [
                    {"kind": "late_commits", "seed": 987083, "p": 0.166, "minutes": 1},
                    {"kind": "duplicate_page", "seed": 960321, "p": 0.359},
                    {"kind": "truncated", "seed": 298407, "p": 1.0, "times": 1, "after": 0},
                ],
            },
            READ,
        ),
    ),
}

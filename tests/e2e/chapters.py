"""The order in which one lake lives through the modules of this folder; the others need no lake."""

CHAPTERS = (
    "test_pipeline",
    "test_queries",
    "test_faults",
    "test_by_hand",
    "test_grants_used",
    "test_sam_local",
    "test_schedule",
)

"""What is told of an entity that could not be curated: the cause, not the call that met it."""

import pytest

from lake.curate.job import _message

BRIDGED = """An error occurred while calling o125.table.
: software.amazon.awssdk.services.glue.model.AccessDeniedException: User: arn is not authorized to perform: glue:GetTable
\tat software.amazon.awssdk.core.internal.http.CombinedResponseHandler.handleErrorResponse(CombinedResponseHandler.java:125)
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            BRIDGED,
            (
                "software.amazon.awssdk.services.glue.model.AccessDeniedException: User: arn is not authorized to perform:"
                " glue:GetTable"
            ),
        ),
        ("the bucket is gone\nand more", "the bucket is gone"),
        ("", "RuntimeError"),
    ],
)
def test_the_line_that_says_what_happened_is_told(said: str, told: str) -> None:
    assert _message(RuntimeError(said)) == told

"""Tells people of a run, by the topic that they subscribed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.run.report import one_line

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from lake.run.events import Notify


def publish(event: Notify, sns: SNSClient, topic: str) -> dict[str, str]:
    """The id of the message that was published."""
    answer = sns.publish(
        TopicArn=topic,
        Subject=one_line(event.subject),
        Message=event.message,
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": event.outcome}},
    )
    return {"message_id": answer["MessageId"]}

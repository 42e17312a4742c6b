"""AWS's refusals in an operator's words."""

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError, UnknownServiceError

from lake.cli.answer import refusal
from lake.cli.errors import OperatorError, explained


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "said AWS"}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("code", "what", "next_step"),
    [
        ("ExpiredToken", "does not accept the credentials", "Sign in again"),
        ("AccessDenied", "may not do DescribeStacks", "Ask for this permission"),
        ("ThrottlingException", "DescribeStacks failed with ThrottlingException", "lake doctor"),
    ],
)
def test_a_refusal_names_the_call_and_the_next_step(code: str, what: str, next_step: str) -> None:
    error = explained(refused(code))

    assert what in error.what
    assert "said AWS" in error.what
    assert next_step in error.next_step


@pytest.mark.parametrize("problem", [ConnectTimeoutError(endpoint_url="x"), ReadTimeoutError(endpoint_url="x")])
def test_without_a_network_aws_cannot_be_reached(problem: ConnectTimeoutError | ReadTimeoutError) -> None:
    error = explained(problem)

    assert "AWS can't be reached" in error.what
    assert "HTTPS_PROXY" in error.next_step


def test_anything_else_is_named_by_its_class() -> None:
    error = explained(UnknownServiceError(service_name="x", known_service_names="y"))

    assert "UnknownServiceError" in error.what
    assert "aws configure" in error.next_step


def test_an_address_is_shown_letter_by_letter(capsys: pytest.CaptureFixture[str]) -> None:
    refusal(
        OperatorError("no arn:aws:secretsmanager:eu-central-1:1:secret:lake/crm", "See :key: there."), as_json=False
    )

    shown = capsys.readouterr().err

    assert ":secret:lake/crm" in shown
    assert ":key:" in shown

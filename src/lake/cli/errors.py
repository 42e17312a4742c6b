"""What an operator can put right: every message says what happened and what to do next."""

import os

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's own name for it)
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, TokenRetrievalError)
REFUSED_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
REFUSED_ACTION = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


class OperatorError(Exception):
    """Something that an operator can put right: what happened, and the next step."""

    def __init__(self, what: str, next_step: str) -> None:
        self.what = what
        self.next_step = next_step
        super().__init__(f"{what}\n{next_step}")


class NoStack(OperatorError):
    """There is no stack of this name in this account and region."""


def code_of(error: ClientError) -> str:
    """AWS's name of an error, such as `AccessDenied`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def explained(error: BotoCoreError | ClientError) -> OperatorError:
    """An AWS call's failure as what happened and what to do."""
    if isinstance(error, ClientError):
        return _refusal(error)
    if isinstance(error, NO_CREDENTIALS):
        return OperatorError(
            f"There are no AWS credentials ({error}).",
            "Sign in (`aws sso login`, AWS_PROFILE), or for the local stack: `. .lake/stack/env`.",
        )
    if isinstance(error, NoRegionError):
        return OperatorError("No AWS region is chosen.", "Set AWS_REGION, or for the local stack: `. .lake/stack/env`.")
    if isinstance(error, (ConnectionError, HTTPClientError)):
        return _unreachable(error)
    return OperatorError(f"{type(error).__name__}: {error}", "Check the AWS configuration (`aws configure list`).")


def _refusal(error: ClientError) -> OperatorError:
    code, action = code_of(error), error.operation_name
    said = error.response.get("Error", {}).get("Message", str(error))
    if code in REFUSED_CREDENTIALS:
        return OperatorError(f"AWS does not accept the credentials ({code}: {said}).", "Sign in again.")
    if code in REFUSED_ACTION:
        return OperatorError(
            f"These credentials may not do {action}: {said}",
            "Ask for this permission, or take a role that has it (`aws sts get-caller-identity` says who you are).",
        )
    return OperatorError(
        f"{action} failed with {code}: {said}", "`lake doctor` looks at credentials, stack and sources."
    )


def _unreachable(error: BotoCoreError) -> OperatorError:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        return OperatorError(
            f"Nothing answers at {endpoint}, which AWS_ENDPOINT_URL names.",
            "Start the local stack with `make up`, or unset AWS_ENDPOINT_URL to speak to AWS.",
        )
    return OperatorError(f"AWS can't be reached ({error}).", "Check the network and the proxy (HTTPS_PROXY).")

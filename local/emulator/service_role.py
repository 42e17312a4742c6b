"""Roles that AWS services take on: the emulator acts under them too, so that their policies are enforced."""

from typing import Any

import boto3

from local.emulator.settings import ACCOUNT, ADMIN_KEY, ADMIN_SECRET, REGION, EmulatorSettings


class RoleNotAssumable(RuntimeError):
    """The role's trust policy does not name the service."""


def assume(settings: EmulatorSettings, role: str, service: str, session_name: str) -> dict[str, str]:
    """Temporary credentials of `role` (its name or ARN), as STS gives them to `service`.

    Raises `RoleNotAssumable` where the trust policy leaves the service out, botocore's ClientError where there is no
    such role.
    """
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:role/{role}"
    admin = boto3.Session(ADMIN_KEY, ADMIN_SECRET, region_name=REGION)
    trust = admin.client("iam", endpoint_url=settings.endpoint).get_role(RoleName=arn.rsplit("/", 1)[-1])["Role"]
    if service not in _trusted_services(trust["AssumeRolePolicyDocument"]):
        raise RoleNotAssumable(
            f"the trust policy of {arn} does not let {service} assume it: add the service to AssumeRolePolicyDocument"
        )
    answer = admin.client("sts", endpoint_url=settings.endpoint).assume_role(RoleArn=arn, RoleSessionName=session_name)
    credentials = answer["Credentials"]
    return {name: str(credentials[name]) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}


def client(settings: EmulatorSettings, service: str, credentials: dict[str, str]) -> Any:
    """A client of the local endpoint under the given credentials."""
    session = boto3.Session(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], region_name=REGION
    )
    return session.client(service, endpoint_url=settings.endpoint)  # type: ignore[call-overload]


def _trusted_services(policy: Any) -> set[str]:
    named: set[str] = set()
    for statement in policy.get("Statement", []):
        services = statement.get("Principal", {}).get("Service", []) if statement.get("Effect") == "Allow" else []
        named.update([services] if isinstance(services, str) else services)
    return named

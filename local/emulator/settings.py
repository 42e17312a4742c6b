"""What the emulator is started with."""

from dataclasses import dataclass
from pathlib import Path

REGION = "eu-central-1"
ACCOUNT = "000000000000"
# The emulator's root principal: what an operator with an administrator's role is on AWS.
ADMIN_KEY = "test"
ADMIN_SECRET = "test"  # noqa: S105 (the emulator's own, published in its manual)


@dataclass(frozen=True)
class EmulatorSettings:
    """Where the emulator listens, and where it keeps logs, runs and its own papers."""

    port: int
    data: Path
    toolchain: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def calls(self) -> Path:
        """One JSON line for each AWS call that was judged; see `calls`."""
        return self.data / "calls.jsonl"

    @property
    def instance(self) -> Path:
        """Which emulator this is: its state is gone with its process, so that a new process is another lake."""
        return self.data / "instance.json"

    def process_environment(self) -> dict[str, str]:
        """The variables that MiniStack reads when it is imported."""
        return {
            "AUTH": "true",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            **client_environment(self.endpoint),
        }


def client_environment(endpoint: str) -> dict[str, str]:
    """What any AWS SDK needs in order to speak to the local endpoint as its administrator."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ADMIN_KEY,
        "AWS_SECRET_ACCESS_KEY": ADMIN_SECRET,
    }

"""What can be missing at set-up. Each message says what to do."""


class ToolchainError(RuntimeError):
    """The set-up of the local stack can't go on."""


class NoNetwork(ToolchainError):
    """A file could not be fetched."""


class WrongChecksum(ToolchainError):
    """A fetched file is not the pinned one."""


class NoJava(ToolchainError):
    """There is no Java runtime that Spark 4.1 runs on."""


class MissingPackage(ToolchainError):
    """A Python package of the development group is not installed."""

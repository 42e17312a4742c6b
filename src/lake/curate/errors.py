"""What stops an entity. Each carries its remedy, which goes into the run's record beside the message."""


class CurateError(Exception):
    """An entity could not be curated. `cause` says what and where, `remedy` what to do."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}; {remedy}")
        self.cause = cause
        self.remedy = remedy


class SweepBrake(CurateError):
    """A sweep would end more keys than the contract allows."""


class QualityBrake(CurateError):
    """A load holds more bad rows than the contract lets pass."""


class RawDamaged(CurateError):
    """What lies in the raw bucket is not what its manifest says."""


class PlanLost(CurateError):
    """The plan that wrote a load is not in the raw bucket."""


class SchemaConflict(CurateError):
    """A contract asks for a type that does not hold what a table has."""


class UnknownEntity(CurateError):
    """A run names an entity that no contract describes."""


class CommitLost(CurateError):
    """Others kept committing to a table before this writer could."""


class NothingCurated(Exception):
    """No entity of the run could be curated."""

"""A release of the emulator that changes what we replace fails by name, before anything runs."""

import pytest

from local.emulator import signatures


def test_the_installed_emulator_is_the_known_one() -> None:
    signatures.check()


def test_another_version_is_refused_by_number() -> None:
    with pytest.raises(signatures.EmulatorChanged, match=r"ministack 1\.6\.0 is installed.*1\.5\.33"):
        signatures.check(installed="1.6.0")


@pytest.mark.parametrize(
    ("name", "was", "told"),
    [
        (
            "ministack.services.glue:_start_job_run",
            "(data, region)",
            r"_start_job_run is \(data\), was \(data, region\)",
        ),
        ("ministack.services.glue:_crawl", "(data)", "_crawl is missing"),
    ],
)
def test_a_changed_or_missing_function_is_named(name: str, was: str, told: str) -> None:
    with pytest.raises(signatures.EmulatorChanged, match=told):
        signatures.check({name: was})

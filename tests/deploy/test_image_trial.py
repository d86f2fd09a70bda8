"""The trial of the image: what it does with a builder, and what it says where there is none or no base image."""

from collections.abc import Callable, Sequence

import pytest

from deploy import image_trial
from deploy.image_trial import BUILDERS, FAILED, NOT_TRIED, Done, base_images, main
from tests.databases import ROOT

EVERY_STEP = ["info", "pull", "build", "start"]


def machine(*, has: str, fails: str = "") -> tuple[Callable[[Sequence[str]], Done], list[str]]:
    """One on which only `has` can be had, and where one step fails."""
    asked: list[str] = []
    builder = BUILDERS.get(has)

    def run(command: Sequence[str]) -> Done:
        step = "info" if "info" in command else "start"
        if builder is not None and command[: len(builder.pull)] == builder.pull:
            step = "pull"
        elif builder is not None and tuple(command) == builder.build:
            step = "build"
        asked.append(step)
        return Done(1 if step == fails else 0, "")

    return run, asked


@pytest.mark.parametrize("name", BUILDERS)
def test_with_any_builder_the_image_is_built_and_started(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run, asked = machine(has=name)

    assert main(run, lambda program: program if program == name else None) == 0
    assert asked == EVERY_STEP
    assert "The image was built" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fails", "code", "words"),
    [
        ("info", NOT_TRIED, "THE IMAGE WAS NOT BUILT: there is no Docker engine"),
        ("pull", NOT_TRIED, "THE IMAGE WAS NOT BUILT: its base image python:3.11-slim-trixie cannot be pulled"),
        ("build", FAILED, "cannot be built"),
        ("start", FAILED, "does not start"),
    ],
)
def test_what_fails_ends_it_and_is_said(fails: str, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    run, asked = machine(has="docker", fails=fails)

    assert main(run, lambda program: program if program == "docker" else None) == code
    assert asked == EVERY_STEP[: EVERY_STEP.index(fails) + 1]
    assert words in capsys.readouterr().err


def test_without_any_builder_it_says_that_nothing_was_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(lambda _: Done(0, ""), lambda _: None) == NOT_TRIED
    assert "THE IMAGE WAS NOT BUILT" in capsys.readouterr().err


def test_a_program_without_its_engine_is_passed_over_for_one_that_works() -> None:
    asked: list[str] = []

    def run(command: Sequence[str]) -> Done:
        asked.append(command[0])
        return Done(1 if tuple(command) == ("docker", "info") else 0, "")

    assert main(run, lambda program: program if program != "podman" else None) == 0
    assert asked[:2] == ["docker", "buildah"]


def test_the_base_images_are_those_of_the_file() -> None:
    assert base_images("FROM a:1 AS one\nRUN x\nFROM b:2\nCOPY --from=one / /\nFROM one\nFROM a:1\n") == ["a:1", "b:2"]
    assert base_images((ROOT / image_trial.DOCKERFILE).read_text()) == ["python:3.11-slim-trixie"]

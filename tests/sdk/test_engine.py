"""What decides in the SDK is what decides in the service: the same files."""

from deploy import sdk_engine


def test_the_engine_of_the_sdk_is_the_service_itself() -> None:
    wanted = sdk_engine.files()
    found = {path: path.read_text() for path in sdk_engine.ENGINE.rglob("*.*") if path.suffix in {".py", ".json"}}

    assert found == wanted, "run python -m deploy.sdk_engine"

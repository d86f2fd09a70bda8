"""The examples of integrations, as customers start them: against the real API and a provider on this machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cast import Member
from tests.databases import ROOT
from tests.sdk.chat_provider import ChatProvider
from tests.sdk.conftest import Fronted

EXAMPLES = sorted((ROOT / "sdk" / "python" / "examples").glob("*.py"))
GUIDE = ROOT / "docs" / "customers" / "integrations.md"
GUARDRAILS = EXAMPLES[0].with_name("litellm") / "config.yaml"
"""Which the proxy of test_litellm runs."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_asks_the_model_only_if_it_may(
    example: Path, front: Fronted, ada: Member, chat_provider: ChatProvider, tmp_path: Path
) -> None:
    environment = {
        "AIG_URL": front.url,
        "AIG_KEY": ada.secret,
        "XDG_STATE_HOME": str(tmp_path),
        "HOME": str(tmp_path),
        "OPENAI_API_KEY": "x",
        "OPENAI_BASE_URL": chat_provider.url,
        "ANTHROPIC_API_KEY": "x",
        "ANTHROPIC_BASE_URL": chat_provider.url,
        "PYTHONPATH": str(ROOT / "sdk" / "python" / "src"),
    }

    def run(*arguments: str) -> str:
        command = [sys.executable, str(example), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run() == "Answer: hi\n"
    assert run("--personal").startswith("Blocked: contains_personal_data Remove or anonymize")
    assert len(chat_provider.asked) == 1


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_guide_shows_the_examples_that_were_run(example: Path) -> None:
    _, _, code = example.read_text().split('"""', 2)

    guide = GUIDE.read_text()
    assert code.strip() in re.findall(r"```python\n(.*?)\n```", guide, re.DOTALL)
    assert "guardrails:" + GUARDRAILS.read_text().partition("guardrails:")[2] in guide

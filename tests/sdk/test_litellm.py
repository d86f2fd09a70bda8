"""LiteLLM's proxy behind a check: the real one, in an environment of its own, since it pins what others need newer."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from ai_governance import Client

from tests.cast import Member
from tests.databases import ROOT
from tests.sdk.chat_provider import ChatProvider
from tests.sdk.conftest import Fronted
from tests.services import free_port

pytestmark = pytest.mark.slow

UV = Path(sys.executable).with_name("uv")
LOCK = ROOT / "tests" / "sdk" / "litellm" / "requirements.txt"
CONFIGURATION = ROOT / "sdk" / "python" / "examples" / "litellm" / "config.yaml"
NO_REGISTRY = re.compile(
    r"dns error|Failed to (fetch|download)|not found in the package registry|timed out|connect", re.IGNORECASE
)
MASTER_KEY = f"sk-{hashlib.sha256(b'a proxy of these tests').hexdigest()}"
STARTS_WITHIN_S = 500
NOT_LOADED = frozenset(
    {
        "azure-core",
        "azure-identity",
        "azure-storage-blob",
        "boto3",
        "botocore",
        "croniter",
        "granian",
        "hf-xet",
        "hiredis",
    }
    | {"inquirerpy", "isodate", "jmespath", "msal", "msal-extensions", "pfzy", "polars", "polars-runtime-32"}
    | {"prompt-toolkit", "pynacl", "pyroscope-io", "rq", "s3transfer", "wcwidth"}
)
"""Two fifths of what is installed otherwise: clouds, tables and servers that this proxy does not use."""
GUARDRAIL = "ai_governance.integrations.litellm.GovernanceGuardrail"
MESSAGES = [{"role": "user", "content": "hello"}]


def needed(lock: str) -> str:
    """The lock file without what the proxy does not load."""
    return "\n".join(part for part in re.split(r"\n(?=\S)", lock) if re.split("[=;]", part)[0] not in NOT_LOADED)


@pytest.fixture(scope="module")
def environment() -> Path:
    """Made once for each lock file, and kept until there is another."""
    requirements = needed(LOCK.read_text())
    folder = ROOT / "var" / f"litellm-{hashlib.sha256(requirements.encode()).hexdigest()[:12]}"
    ready = folder / ".ready"
    if not ready.exists():
        for other in (ROOT / "var").glob("litellm-*"):
            shutil.rmtree(other)
        subprocess.run([str(UV), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        (folder / "requirements.txt").write_text(requirements)
        python, quietly = str(folder / "bin" / "python"), ("--quiet", "--require-hashes", "--no-deps")
        install = [str(UV), "pip", "install", *quietly, "--python", python, "-r", str(folder / "requirements.txt")]
        done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0 and NO_REGISTRY.search(done.stderr):
            pytest.skip("No package registry is reached, so LiteLLM can't be installed in an environment of its own.")
        assert done.returncode == 0, done.stderr
        ready.touch()
    return folder / "bin"


class Proxy:
    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path, provider: ChatProvider) -> None:
        self.provider = provider
        self._process = process
        self._port = port
        self._log = log

    def tell(self, **told: Any) -> None:
        """Whom the guardrail asks, and with which facts."""
        (self._log.parent / "told.json").write_text(json.dumps(told))

    def ask(self, path: str, body: Any = None, *, timeout_s: float = 60) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=timeout_s)
        headers = {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": "application/json"}
        try:
            connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait(self) -> None:
        give_up = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < give_up and self._process.poll() is None:
            try:
                if self.ask("/health/liveliness")[0] == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(self._log.read_text()[-3000:])


@pytest.fixture(scope="module")
def proxy(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Started before there is a transaction, which would not outlive the time that it takes."""
    folder = tmp_path_factory.mktemp("litellm")
    named = "unreadable.GuardrailOfUnreadable\n      with_tool_names: true"
    configuration = CONFIGURATION.read_text().replace(GUARDRAIL, named)
    assert "unreadable" in configuration
    (folder / "config.yaml").write_text(configuration + "router_settings: {num_retries: 2, retry_after: 0}\n")
    (folder / "unreadable.py").write_text((LOCK.parent / "unreadable.py").read_text())
    port, log = free_port(), folder / "proxy.log"
    command = [str(environment / "litellm"), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with ChatProvider() as provider, log.open("wb") as told:
        outside = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT / "sdk" / "python" / "src"),
            "AIG_URL": "http://127.0.0.1:1",
            "AIG_KEY": "aig_test_of_nobody",
            "XDG_STATE_HOME": str(folder),
            "OPENAI_BASE_URL": provider.url,
            "OPENAI_API_KEY": "x",
            "LITELLM_MASTER_KEY": MASTER_KEY,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        process = subprocess.Popen(command, cwd=folder, env=outside, stdout=told, stderr=told)
        try:
            proxy = Proxy(process, port, log, provider)
            proxy.wait()
            yield proxy
        finally:
            process.terminate()
            process.wait(20)


def test_each_request_is_checked_once_and_its_content_is_never_read(
    proxy: Proxy, front: Fronted, ada: Member, client: Client
) -> None:
    tools = [{"type": "function", "function": {"name": "crm_read", "parameters": {"type": "object"}}}]
    chat = {"model": "gpt-4o", "messages": MESSAGES, "max_tokens": 9, "tools": tools}
    proxy.tell(url=front.url, key=ada.secret, facts={"contains_personal_data": False})

    allowed = [proxy.ask("/v1/chat/completions", {**chat, "stream": stream}) for stream in (False, True)]

    assert [status for status, _ in allowed] == [200, 200], allowed
    assert all("hi" in body for _, body in allowed)
    facts = {
        "gen_ai.request.max_tokens": 9,
        "message_count": 1,
        "tool_count": 1,
        "tool_names": ["crm_read"],
        "contains_personal_data": False,
    }
    assert [record.metadata for record in client.decisions()] == [
        {"gen_ai.request.stream": stream, **facts} for stream in (True, False)
    ]

    before = len(proxy.provider.asked)
    proxy.provider.failures = 1
    assert proxy.ask("/v1/chat/completions", chat)[0] == 200
    assert len(proxy.provider.asked) == before + 2  # the proxy tried again
    assert len(list(client.decisions())) == 3


def test_a_blocked_request_reaches_no_model_and_nobody_can_opt_out(proxy: Proxy, front: Fronted, ada: Member) -> None:
    chat = {"model": "gpt-4o", "messages": MESSAGES, "max_tokens": 9}
    proxy.tell(url=front.url, key=ada.secret, facts={"contains_personal_data": True})
    before = len(proxy.provider.asked)
    opting_out = {"disable_global_guardrails": True, "opted_out_global_guardrails": ["ai-governance"]}

    refused = [
        proxy.ask("/v1/chat/completions", chat),
        proxy.ask("/v1/chat/completions", {**chat, "stream": True}),
        proxy.ask("/v1/chat/completions", {**chat, **opting_out, "metadata": opting_out}),
        proxy.ask("/v1/messages", chat),
        proxy.ask("/v1/responses", {"model": "gpt-4o", "input": "hello"}),
        proxy.ask("/v1/embeddings", {"model": "gpt-4o", "input": "hello"}),
    ]

    assert [status for status, _ in refused] == [403] * len(refused), refused
    assert all("contains_personal_data" in body for _, body in refused)
    assert len(proxy.provider.asked) == before


@pytest.mark.parametrize(("call_type", "status"), [("_arealtime", 403), ("acreate_batch", 403), ("alist_batches", 200)])
def test_what_is_neither_checked_nor_harmless_is_refused(
    proxy: Proxy, front: Fronted, ada: Member, client: Client, call_type: str, status: int
) -> None:
    """Said to be of another type than it is."""
    proxy.tell(url=front.url, key=ada.secret, facts={}, call_type=call_type)

    answered, body = proxy.ask("/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES})

    assert answered == status
    assert ("not covered" in body) == (status == 403)
    assert list(client.decisions()) == []

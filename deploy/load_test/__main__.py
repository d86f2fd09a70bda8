"""`python -m deploy.load_test PROFILE`: asks, measures, judges, and leaves the result as evidence."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from core.clock import utc_now
from core.environment import read_settings
from core.release import release
from core.settings_rules.faults import is_this_machine
from deploy.evidence import hand_in
from deploy.load_test import keys, run
from deploy.load_test.profiles import MOST_REQUESTS, PROFILES, Profile, StageResult, Verdict, judge, meets_launch
from portal.console.launch.evidence import Evidence, EvidenceKind, LoadStage


class Result(msgspec.Struct, frozen=True):
    """What the evidence says of one profile."""

    profile: str
    host: str
    started_at: datetime
    finished_at: datetime
    is_shortened: bool
    keys: int
    verdict: Verdict
    reasons: list[str]
    meets_launch: bool
    """p95 under 500 ms and errors under 1 %; counts for going live if the profile is `launch` and not shortened."""
    memory_growth_per_h: float | None
    stages: list[StageResult]


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    profile = _shortened(PROFILES[given.profile], given)
    try:
        with _keys(given, profile) as secrets:
            result = _load(given, profile, secrets)
    except (keys.KeysRefused, run.NotReady, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _report(result)
    _save(result, Path(given.out) if given.out else read_settings().data_path / "evidence" / "load.json")
    is_taken = given.profile != "launch" or hand_in(evidence_of(result), read_settings(), url=given.url)
    return 1 if result.verdict is Verdict.FAIL or not is_taken else 0


def evidence_of(result: Result) -> Evidence:
    stages = [
        {name: getattr(one, name) for name in LoadStage.__struct_fields__ if name != "errors"}
        | {"errors": dict(one.errors)}
        for one in result.stages
    ]
    return Evidence(
        kind=EvidenceKind.LOAD,
        host=result.host,
        release=release(),
        started_at=result.started_at,
        finished_at=result.finished_at,
        keys=result.keys,
        answers=sum(one.answers for one in result.stages),
        found={"profile": result.profile, "is_shortened": result.is_shortened, "stages": stages},
    )


def _load(given: argparse.Namespace, profile: Profile, secrets: Sequence[str]) -> Result:
    token = Path(given.metrics_token_file).read_text().strip() if given.metrics_token_file else None
    run.warm_up(given.url, secrets)
    questions = run.questions_of(profile, given.url, secrets, metrics_token=token)
    memory = run.Memory(given.pid) if given.pid else None
    started_at = utc_now()
    stages = [run.measure(stage, given.url, questions) for stage in profile.stages]
    growth = memory.growth_per_h() if memory else None
    verdict, reasons = judge(profile, stages, growth)
    return Result(
        profile=given.profile,
        host=urlsplit(given.url).netloc,
        started_at=started_at,
        finished_at=utc_now(),
        is_shortened=profile != PROFILES[given.profile],
        keys=len(secrets),
        verdict=verdict,
        reasons=reasons,
        meets_launch=meets_launch(stages),
        memory_growth_per_h=growth,
        stages=stages,
    )


def _keys(given: argparse.Namespace, profile: Profile) -> AbstractContextManager[Sequence[str]]:
    if given.key_file:
        return nullcontext(keys.read(Path(given.key_file)))
    if not is_this_machine(urlsplit(given.url).hostname):
        raise keys.KeysRefused("Against another machine give --key-file, with keys of an organization made for this.")
    return keys.of_new_organizations(profile.keys_needed)


def _shortened(profile: Profile, given: argparse.Namespace) -> Profile:
    """As asked for, and never above the bound."""
    stages = tuple(
        msgspec.structs.replace(
            stage,
            seconds=min(stage.seconds, given.seconds or stage.seconds),
            rate_per_s=min(stage.rate_per_s, given.rate or stage.rate_per_s),
        )
        for stage in profile.stages
    )
    if sum(stage.rate_per_s * stage.seconds for stage in stages) > MOST_REQUESTS:
        raise SystemExit(f"That is more than {MOST_REQUESTS:,} requests. Ask for fewer with --seconds or --rate.")
    return msgspec.structs.replace(profile, stages=stages)


def _report(result: Result) -> None:
    for stage in result.stages:
        errors = ", ".join(f"{count:,} {what}" for what, count in stage.errors.items()) or "no errors"
        sys.stdout.write(
            f"{stage.users} users, {stage.rate_per_s:,}/s for {stage.seconds} s: {stage.answers:,} answers, {errors}; "
            f"p50 {stage.p50_ms} ms, p95 {stage.p95_ms} ms, p99 {stage.p99_ms} ms, longest {stage.longest_ms} ms "
            f"(the load tool itself was late by {stage.tool_late_p99_ms} ms at p99)\n"
        )
    reasons = f": {'; '.join(result.reasons)}" if result.reasons else ""
    sys.stdout.write(f"{result.profile}: {result.verdict}{reasons}\n")


def _save(result: Result, path: Path) -> None:
    """Beside the results of the other profiles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Any] = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    kept[result.profile] = msgspec.to_builtins(result)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
    fresh.replace(path)
    sys.stdout.write(f"Written to {path}.\n")


def _parser() -> argparse.ArgumentParser:
    told = "\n".join(f"  {name:<8} {profile.words}" for name, profile in PROFILES.items())
    parser = argparse.ArgumentParser(
        prog="python -m deploy.load_test",
        description=f"{__doc__}\n\n{told}",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("profile", choices=list(PROFILES))
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of a service that is yours to load")
    parser.add_argument("--key-file", help="one API key a line; without it organizations with keys are made")
    parser.add_argument("--metrics-token-file", help="without it readiness is asked in place of metrics")
    parser.add_argument("--seconds", type=int, help="at most so long in each stage")
    parser.add_argument("--rate", type=int, help="at most so many requests a second")
    parser.add_argument("--pid", type=int, help="of the web server, to see whether its memory grows")
    parser.add_argument("--out", help="default: evidence/load.json in DATA_DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Nothing that lists companies is published while one is missing, or one of its fields is empty."""

import json
from pathlib import Path

import msgspec
import pytest

from core.audit import SYSTEM
from core.db import db
from core.ids import new_uuid
from core.settings import Environment, Settings
from legal_docs.documents import services as documents
from legal_docs.documents.drafts import Entry
from legal_docs.documents.kinds import Kind
from legal_docs.documents.service_types import SERVICE_TYPES, ServiceType
from legal_docs.register import services
from legal_docs.register.completeness import RegisterIncomplete, gaps_of, services_in_use
from legal_docs.register.models import SubProcessor
from tests.legal_docs.scene import HOST, MAILER, NOW, publish_version

STARTING_LIST = Path(services.__file__).with_name("starting_list.json")
DATABASE = msgspec.structs.replace(HOST, service_type=ServiceType.DATABASE)


def production(**changes: str) -> Settings:
    return msgspec.structs.replace(Settings(environment=Environment.PRODUCTION), **changes)


def enter_unchecked(entry: Entry) -> None:
    """As rows from before the rules were."""
    db.session.add(SubProcessor(id=new_uuid(), listed_at=NOW, **msgspec.structs.asdict(entry)))
    db.session.flush()


@pytest.mark.parametrize(
    ("setting", "value", "service"),
    [
        ("database_url", "postgresql://u:p@ep-1.eu-central-1.aws.neon.tech/aig", ServiceType.DATABASE),
        ("database_url", "postgresql://u:p@8.8.8.8/aig", ServiceType.DATABASE),
        ("clickhouse_url", "https://u:p@a1b2.eu-central-1.aws.clickhouse.cloud:8443/aig", ServiceType.DATABASE),
        ("redis_url", "rediss://u:p@redis-1.cloud.redislabs.com:6379", ServiceType.CACHE),
        ("backup_url", "s3://backups/aig", ServiceType.BACKUPS),
        ("sentry_dsn", "https://k@o1.ingest.de.sentry.io/1", ServiceType.ERROR_REPORTS),
        ("stripe_api_key", "sk_live_1", ServiceType.PAYMENTS),
        ("smtp_url", "smtps://u:p@mail.example.com:465", ServiceType.EMAIL),
        ("monitor_key", "a-key-of-the-monitor-outside", ServiceType.MONITORING),
    ],
    ids=lambda given: str(given).partition("@")[2] or str(given),
)
def test_whoever_has_an_address_in_the_settings_is_in_use(setting: str, value: str, service: ServiceType) -> None:
    assert services_in_use(production(**{setting: value})) == {ServiceType.HOSTING, service}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("database_url", "postgresql://u:p@postgres/aig"),
        ("database_url", "postgresql://u:p@127.0.0.1/aig"),
        ("redis_url", "redis://10.0.0.7:6379"),
        ("redis_url", "redis://cache.internal:6379"),
        ("backup_url", "file:///backups"),
    ],
)
def test_a_neighbor_on_our_own_network_is_no_other_company(setting: str, value: str) -> None:
    assert services_in_use(production(**{setting: value})) == {ServiceType.HOSTING}


def test_nothing_is_asked_of_a_local_trial() -> None:
    assert services_in_use(Settings(sentry_dsn="https://k@o1.ingest.sentry.io/1")) == frozenset()


@pytest.mark.parametrize("kind", [Kind.DPA, Kind.SUB_PROCESSORS])
def test_publishing_is_refused_while_a_company_is_not_named(kind: Kind, system: None) -> None:
    services.list_first(DATABASE, by=SYSTEM, now=NOW)
    settings = production(
        database_url="postgresql://u:p@db.example.com/aig", smtp_url="smtps://u:p@mail.example.com:465"
    )

    with pytest.raises(RegisterIncomplete, match="hosting, email") as refusal:
        publish_version(kind, "1.0", settings=settings)

    assert [gap.path for gap in refusal.value.errors] == ["hosting", "email"]
    assert documents.newest(kind) is None


@pytest.mark.parametrize("field", ["entity", "address", "contact", "purpose", "data_categories", "location"])
def test_publishing_is_refused_while_a_field_is_empty(field: str, system: None) -> None:
    enter_unchecked(msgspec.structs.replace(DATABASE, **{field: ""}))

    with pytest.raises(RegisterIncomplete) as refusal:
        publish_version(Kind.DPA, "1.0")

    assert [gap.path for gap in refusal.value.errors] == [f"Cloud Host.{field}"]


def test_publishing_is_refused_while_a_transfer_rests_on_nothing(system: None) -> None:
    enter_unchecked(msgspec.structs.replace(MAILER, first_mechanism="", second_mechanism=""))

    with pytest.raises(RegisterIncomplete, match="first_mechanism"):
        publish_version(Kind.SUB_PROCESSORS, "1.0")


def test_a_company_that_was_listed_without_its_service_is_given_it(published: None) -> None:
    """Also once customers were promised notice, for no text states it."""
    enter_unchecked(HOST)
    (company,) = services.register()
    assert [gap.path for gap in gaps_of(services.entries(), {ServiceType.DATABASE})] == ["database"]

    services.classify(company.id, ServiceType.DATABASE, by=SYSTEM, now=NOW)

    assert gaps_of(services.entries(), {ServiceType.DATABASE}) == ()


def test_the_terms_list_nobody_and_can_be_published(system: None) -> None:
    assert (
        publish_version(Kind.TERMS, "1.0", settings=production(sentry_dsn="https://k@o1.ingest.sentry.io/1")).number
        == "1.0"
    )


def test_the_starting_list_names_every_kind_of_company() -> None:
    entries = msgspec.json.decode(STARTING_LIST.read_bytes(), type=list[Entry])

    assert {entry.service_type for entry in entries} == set(ServiceType) - {ServiceType.OTHER}
    assert not [gap for gap in gaps_of(entries, set(ServiceType) - {ServiceType.OTHER}) if "." not in gap.path]


def test_a_list_from_before_services_had_types_can_still_be_read() -> None:
    entry = {name: value for name, value in msgspec.to_builtins(HOST).items() if name != "service_type"}

    assert msgspec.json.decode(json.dumps(entry), type=Entry).service_type is ServiceType.OTHER


def test_every_type_of_service_has_its_words() -> None:
    assert set(SERVICE_TYPES) == set(ServiceType)

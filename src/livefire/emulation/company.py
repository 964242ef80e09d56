"""Who works at the example company: two hundred principals of three clouds, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from livefire.emulation.actors import (
    AWS_CLI,
    AZURE_ENGINEER,
    AZURE_PIPELINE,
    CONSOLE_ENGINEER,
    ENGINEER,
    GCP_ENGINEER,
    GCP_INVENTORY,
    AwsActor,
    AzureActor,
    GcpActor,
)
from livefire.emulation.scene import Ids

ROLES = ("PlatformOperator", "DataEngineer", "BackendDeveloper", "SupportEngineer", "NetworkOperator", "SecurityAuditor", "SearchTeam", "BillingAnalyst")
"""Roles that people take on in AWS; the first four change machines as their work."""
FUNCTIONS = (
    "orders", "billing", "search", "report", "queue", "mailer", "intake", "catalog", "session", "export", "import", "thumbnails", "webhook", "ledger",
    "stock", "prices", "invoices", "alerts", "metrics", "audit", "loyalty", "returns", "shipping", "labels", "quotes", "feeds", "tokens", "photos",
    "reviews", "cart", "wallet", "partner", "survey", "status",
)  # fmt: skip
_GIVEN = (
    "ana",
    "ben",
    "cleo",
    "dara",
    "eli",
    "finn",
    "gita",
    "hugo",
    "ines",
    "jon",
    "kira",
    "leo",
    "mila",
    "nils",
    "olga",
    "pia",
    "quin",
    "rosa",
    "sven",
    "tara",
)
_FAMILY = ("lind", "okoro", "baker", "costa", "duval", "evans", "frank", "gomez", "haas", "ito")


@dataclass(frozen=True, slots=True)
class Company:
    """The people and the services, by cloud."""

    engineers: tuple[AwsActor, ...]
    functions: tuple[AwsActor, ...]
    azure_people: tuple[AzureActor, ...]
    azure_services: tuple[AzureActor, ...]
    gcp_people: tuple[GcpActor, ...]
    gcp_services: tuple[GcpActor, ...]

    @property
    def size(self) -> int:
        """How many principals there are."""
        return sum(map(len, (self.engineers, self.functions, self.azure_people, self.azure_services, self.gcp_people, self.gcp_services)))


def staff(seed: int) -> Company:
    """Return the company of a seed: the same seed gives the same people."""
    ids = Ids(f"company:{seed}")
    names = [f"{given}.{family}" for family in _FAMILY for given in _GIVEN]
    ids.random.shuffle(names)
    role_ids = {role: "AROAQ3EXMPL5" + ids.base32(9) for role in ROLES} | {"PlatformOperator": ENGINEER.unique_id}
    engineers = [_engineer(ids, name, ROLES[i % len(ROLES)], role_ids, console=i % 3 == 0) for i, name in enumerate(names[:72])]
    functions = [_function(ids, name, i) for i, name in enumerate(FUNCTIONS)]
    people = [_azure_person(ids, name) for name in names[60:108]]
    services = [replace(AZURE_PIPELINE, object_id=ids.uuid(), app_id=ids.uuid(), ip=f"192.0.2.{170 + i}") for i in range(14)]
    gcp_people = [GcpActor(f"{name}@example.com", ip=_office(ids), agent="gcloud") for name in names[100:124]]
    gcp_services = [
        replace(GCP_INVENTORY, email=f"{name}@example-prod-417203.iam.gserviceaccount.com", ip=f"192.0.2.{190 + i}") for i, name in enumerate(FUNCTIONS[:12])
    ]
    return Company(
        (ENGINEER, CONSOLE_ENGINEER, *engineers),
        tuple(functions),
        (AZURE_ENGINEER, *people),
        (AZURE_PIPELINE, *services),
        (GCP_ENGINEER, *gcp_people),
        (GCP_INVENTORY, *gcp_services),
    )


def _office(ids: Ids) -> str:
    """Return an address of one of the company's three offices."""
    return f"198.51.100.{ids.pick((24, 25, 26))}"


def _engineer(ids: Ids, name: str, role: str, role_ids: dict[str, str], *, console: bool) -> AwsActor:
    agent = CONSOLE_ENGINEER.agent if console else AWS_CLI
    return AwsActor(name, role_ids[role], role=role, key="ASIAQ3EXMPL5" + ids.base32(8), ip=_office(ids), agent=agent, mfa=True, console=console)


def _function(ids: Ids, name: str, number: int) -> AwsActor:
    agent = f"aws-sdk-go-v2/1.30.{number} ua/2.1 os/linux lang/go#1.22.6"
    return AwsActor(
        f"{name}-worker", "AROAQ3EXMPL5" + ids.base32(9), role=f"{name}-worker", key="ASIAQ3EXMPL5" + ids.base32(8), ip=f"192.0.2.{70 + number}", agent=agent
    )


def _azure_person(ids: Ids, name: str) -> AzureActor:
    shown = " ".join(part.capitalize() for part in name.split("."))
    return AzureActor(ids.uuid(), AZURE_ENGINEER.app_id, f"{name}@example.com", shown, ip=_office(ids), methods="pwd,mfa")

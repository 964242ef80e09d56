"""Months of ordinary life in three clouds at any size, with attacks planted in it and the truth beside it.

Most of it are reads by two hundred principals, busier at working hours. What changes machines is what changes them in a
company: auto scaling, pipelines, backups, schedules, and people. The same arguments give the same bytes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from livefire.emulation import aws, azure, cloudtrail, gcp
from livefire.emulation.actors import (
    AUTOSCALING,
    AWS,
    AZURE_BACKUP,
    AZURE_INTRUDER,
    AZURE_PIPELINE,
    BACKUP,
    GCP,
    GCP_GROUP_MANAGER,
    GCP_INTRUDER,
    GCP_PIPELINE,
    IMAGE_PIPELINE,
    INTRUDER_IP,
    LIFECYCLE,
    PIPELINE,
    SCHEDULER,
    STOLEN_SESSION,
)
from livefire.emulation.catalogue import emulations
from livefire.emulation.company import ROLES, Company, staff
from livefire.emulation.delivery import write_records
from livefire.emulation.history import create_machine, take_snapshot
from livefire.emulation.model import Cloud, Emulation, Kind, LogRecord, Role
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, FLEET, GCP_HABITS, Habit
from livefire.emulation.scene import Scene

Work: TypeAlias = Callable[[Scene, Company], None]
_DAY = timedelta(days=1)
_SHARES = ((Cloud.AWS, 0.8), (Cloud.AZURE, 0.1), (Cloud.GCP, 0.1))
_HOURS = (2, 2, 2, 2, 2, 3, 4, 6, 8, 9, 9, 8, 7, 8, 9, 8, 7, 5, 4, 3, 3, 2, 2, 2)
_READS = (
    ("DescribeInstances", "ec2.amazonaws.com"), ("DescribeVolumes", "ec2.amazonaws.com"), ("DescribeImages", "ec2.amazonaws.com"),
    ("DescribeSecurityGroups", "ec2.amazonaws.com"), ("DescribeLogGroups", "logs.amazonaws.com"), ("ListBuckets", "s3.amazonaws.com"),
    ("GetBucketAcl", "s3.amazonaws.com"), ("DescribeAlarms", "monitoring.amazonaws.com"), ("ListRoles", "iam.amazonaws.com"),
    ("GetCallerIdentity", "sts.amazonaws.com"), ("DescribeDBInstances", "rds.amazonaws.com"), ("ListFunctions20150331", "lambda.amazonaws.com"),
)  # fmt: skip
_CALLS = (
    ("GetParameters", "ssm.amazonaws.com"), ("Decrypt", "kms.amazonaws.com"), ("GetSecretValue", "secretsmanager.amazonaws.com"),
    ("CreateLogStream", "logs.amazonaws.com"), ("DescribeLogStreams", "logs.amazonaws.com"), ("GetQueueAttributes", "sqs.amazonaws.com"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write: how many events over how many days, how many attacks after the fortnight that baselines need."""

    start: datetime
    days: int = 30
    events: int = 2_000_000
    attacks: int = 60
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Plant:
    """An attack that was planted: when, by whom in whose name, and what its records are called in the log."""

    number: int
    emulation_id: str
    start: datetime
    victim: str
    records: tuple[LogRecord, ...] = field(repr=False)

    def truth(self) -> dict[str, Any]:
        """Return the line of the truth file."""
        marks = sorted({m for r in self.records if r.role is Role.ATTACK for m in _marks(r)})
        return {"plant": self.number, "emulation": self.emulation_id, "start": self.start.isoformat(), "victim": self.victim, "marks": marks}


@dataclass(frozen=True, slots=True)
class Background:
    """What was written: `logs` to hunt in, the truth file beside it, and counts."""

    logs: Path
    truth: Path
    events: int
    principals: int
    plants: tuple[Plant, ...]


def _marks(record: LogRecord) -> tuple[str, ...]:
    """Return what tells a record: event id, and what the records of one operation share."""
    raw = record.raw
    shared = raw.get("correlationId") or (raw.get("operation") or {}).get("id") if record.log_source != Cloud.AWS.log_source else ""
    return (shared,) if shared else (record.event_id,)


def write_background(folder: Path, plan: Plan, progress: Callable[[str], None] | None = None) -> Background:
    """Write the logs below `folder/logs` and `folder/planted.jsonl`; OSError when the folder cannot be written."""
    company, plants = staff(plan.seed), planted(plan)
    later: defaultdict[int, list[LogRecord]] = defaultdict(list)
    for record in (r for p in plants for r in p.records):
        later[(record.time - plan.start) // _DAY].append(record)
    total = 0
    for day in range(plan.days):
        if progress is not None:
            progress(f"day {day + 1} of {plan.days}")
        for record in _day(plan, company, day):
            # A story that runs past midnight goes to the files of the next day.
            later[(record.time - plan.start) // _DAY].append(record)
        records = sorted(later.pop(day, ()), key=lambda r: r.time)
        write_records(records, folder / "logs")
        total += len(records)
    truth = folder / "planted.jsonl"
    truth.write_text("".join(json.dumps(p.truth()) + "\n" for p in plants), encoding="utf-8")
    return Background(folder / "logs", truth, total, company.size, plants)


# what is planted


def planted(plan: Plan) -> tuple[Plant, ...]:
    """Return the attacks, every emulation in turn, each in the name of another person and from another address."""
    attacks = [e for e in emulations() if e.kind is Kind.ATTACK]
    company, scene = staff(plan.seed), Scene(f"plants:{plan.seed}", plan.start)
    scene.ids.random.shuffle(attacks)
    first = timedelta(days=min(16, max(plan.days - 2, 0)))
    room = timedelta(days=plan.days) - first - timedelta(hours=12)
    found = []
    for number in range(plan.attacks):
        moment = plan.start + first + room * scene.ids.between(0, 1)
        found.append(_plant(number, attacks[number % len(attacks)], moment, company, scene))
    return tuple(found)


def _plant(number: int, attack: Emulation, moment: datetime, company: Company, scene: Scene) -> Plant:
    victim, names = _victim(company, scene)
    names[INTRUDER_IP] = f"203.0.113.{scene.ids.random.randrange(2, 254)}"
    told = attack.generate(moment.replace(microsecond=0), seed=10_000 + number)
    records = tuple(replace(r, raw=_renamed(r.raw, names)) for r in told if r.role is Role.ATTACK)
    return Plant(number, attack.id, moment, victim, records)


def _victim(company: Company, scene: Scene) -> tuple[str, dict[str, str]]:
    """Return whose name an intruder uses, and what to write in the place of the emulations' own victim."""
    person, worker = scene.ids.pick(company.azure_people), scene.ids.pick([e for e in company.engineers if e.role in ROLES[:4]])
    colleague = scene.ids.pick(company.gcp_people)
    names = {STOLEN_SESSION.unique_id: worker.unique_id, f"role/{STOLEN_SESSION.role}": f"role/{worker.role}"}
    names |= {f"assumed-role/{STOLEN_SESSION.role}/{STOLEN_SESSION.name}": f"assumed-role/{worker.role}/{worker.name}"}
    names |= {f'"{STOLEN_SESSION.role}"': f'"{worker.role}"', f":{STOLEN_SESSION.name}": f":{worker.name}"}
    names |= {AZURE_INTRUDER.object_id: person.object_id, AZURE_INTRUDER.object_id.replace("-", ""): person.object_id.replace("-", "")}
    names |= {f'"{AZURE_INTRUDER.upn}"': f'"{person.upn}"', AZURE_INTRUDER.display_name: person.display_name}
    google = {f"user:{GCP_INTRUDER.email}": f"user:{colleague.email}", f'"principalEmail":"{GCP_INTRUDER.email}"': f'"principalEmail":"{colleague.email}"'}
    return worker.name, google | names


def _renamed(raw: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    text = json.dumps(raw, separators=(",", ":"))
    for old, new in sorted(names.items(), key=lambda pair: -len(pair[0])):  # a name may lie within a longer one
        text = text.replace(old, new)
    renamed: dict[str, Any] = json.loads(text)
    return renamed


# what happens every day


def _day(plan: Plan, company: Company, day: int) -> Iterator[LogRecord]:
    start = plan.start + day * _DAY
    working = start.weekday() < 5
    for cloud, share in _SHARES:
        scene = Scene(f"background:{cloud.value}:{plan.seed}:{day}", start)
        _changes(scene, company, cloud, working=working)
        count = int(plan.events / plan.days * share * (1.05 if working else 0.88)) - len(scene.entries)
        _look_around(scene, company, cloud, max(count, 0))
        for entry in scene.entries:
            yield LogRecord(cloud.log_source, entry.event_id, entry.time, Role.NOISE, entry.raw)
    yield from _stories(plan, start, day)


def _stories(plan: Plan, start: datetime, day: int) -> Iterator[LogRecord]:
    """Tell three of the look-alikes a day: what could be taken for an attack and is none."""
    pick = Scene(f"stories:{plan.seed}:{day}", start).ids
    benign = [e for e in emulations() if e.kind is Kind.LOOK_ALIKE]
    for number in range(3):
        told = pick.pick(benign).generate(start + timedelta(hours=pick.between(7, 18)), seed=plan.seed * 100_000 + day * 10 + number + 500)
        yield from (r for r in told if r.role is Role.BENIGN)


def _look_around(scene: Scene, company: Company, cloud: Cloud, count: int) -> None:
    random, habits = scene.ids.random, _HABITS[cloud]
    reader = _READERS[cloud]
    for hour in random.choices(range(24), weights=_HOURS, k=count):
        with scene.at(hour * 3600 + random.random() * 3600):
            if random.random() < 0.15:
                random.choice(habits)(scene)
            else:
                reader(scene, company)


def _aws_read(scene: Scene, company: Company) -> None:
    random = scene.ids.random
    if random.random() < 0.7:
        name, source = random.choice(_CALLS)
        cloudtrail.call(scene, random.choice(company.functions), name, {"name": f"/app/{random.randrange(40)}"}, source=source, read_only=True)
        return
    # People work by day; the few who are up at night are on call.
    people = company.engineers if 6 <= scene.now.hour < 19 else company.engineers[:6]
    name, source = random.choice(_READS)
    cloudtrail.call(scene, random.choice(people), name, None, source=source, read_only=True)


def _azure_read(scene: Scene, company: Company) -> None:
    random = scene.ids.random
    entity = azure.resource("Microsoft.Storage/storageAccounts", f"stapp{random.randrange(1, 40)}")
    actor = random.choice(company.azure_people if random.random() < 0.3 and 6 <= scene.now.hour < 19 else company.azure_services)
    azure.act(scene, actor, "Microsoft.Storage/storageAccounts/listKeys/action", entity, azure.Outcome(accepted=False))


def _gcp_read(scene: Scene, company: Company) -> None:
    random = scene.ids.random
    actor = random.choice(company.gcp_people if random.random() < 0.3 and 6 <= scene.now.hour < 19 else company.gcp_services)
    kind = random.choice(("instances", "disks", "snapshots", "firewalls"))
    gcp.read(scene, actor, f"v1.compute.{kind}.list", f"{gcp.ZONE}/{kind}", gcp.instance(scene, "x"))


_READERS: Mapping[Cloud, Work] = {Cloud.AWS: _aws_read, Cloud.AZURE: _azure_read, Cloud.GCP: _gcp_read}
_HABITS: Mapping[Cloud, Sequence[Habit]] = {Cloud.AWS: AWS_HABITS, Cloud.AZURE: AZURE_HABITS, Cloud.GCP: GCP_HABITS}


def _changes(scene: Scene, company: Company, cloud: Cloud, *, working: bool) -> None:
    for work, hour, times, always in _WORK[cloud]:
        if not (always or working):
            continue
        for _ in range(int(times) + (scene.ids.random.random() < times % 1)):
            start = hour[0] + scene.ids.random.random() * (hour[1] - hour[0])
            with scene.at(start * 3600):
                work(scene, company)


def _scale_out_and_in(scene: Scene, _: Company) -> None:
    made = aws.run_instances(scene, AUTOSCALING, aws.Launch(AWS.golden_image, "m5.large", template=True, name="web"))
    with scene.at(scene.ids.between(900, 14_000)):
        aws.terminate_instances(scene, AUTOSCALING, *made)


def _nightly_backup(scene: Scene, _: Company) -> None:
    aws.create_snapshot(scene, scene.ids.pick((LIFECYCLE, BACKUP)), scene.ids.ec2("vol"), "daily", size=100)


def _stop_at_night(scene: Scene, _: Company) -> None:
    machines = scene.ids.random.sample(FLEET, 4)
    aws.stop_instances(scene, SCHEDULER, *machines)
    with scene.at(11 * 3600):
        aws.start_instances(scene, SCHEDULER, *machines)


def _apply(scene: Scene, _: Company) -> None:
    aws.run_instances(scene, PIPELINE, aws.Launch(AWS.golden_image, "t3.medium", name="orders"))
    volume = aws.create_volume(scene, PIPELINE, "orders-data", size=50)
    aws.attach_volume(scene, PIPELINE, volume, scene.ids.pick(FLEET), "/dev/sdf")


def _replace_environment(scene: Scene, _: Company) -> None:
    made = aws.run_instances(scene, PIPELINE, aws.Launch(AWS.golden_image, "t3.medium", name="preview"))
    scene.wait(1500, 9000)
    for machine in made:
        aws.modify_instance(scene, PIPELINE, machine, "disableApiTermination", {"value": False})
    aws.terminate_instances(scene, PIPELINE, *made)


def _bake(scene: Scene, _: Company) -> None:
    made = aws.run_instances(scene, IMAGE_PIPELINE, aws.Launch(AWS.base_image, "t3.medium", name="packer"))
    scene.wait(400, 900)
    aws.stop_instances(scene, IMAGE_PIPELINE, *made)
    scene.wait(60, 120)
    aws.create_snapshot(scene, IMAGE_PIPELINE, scene.ids.ec2("vol"), "packer")
    scene.wait(60, 120)
    aws.terminate_instances(scene, IMAGE_PIPELINE, *made)


def _engineer_works(scene: Scene, company: Company) -> None:
    """Let one who changes machines as his work do one of the usual things."""
    actor = scene.ids.pick([e for e in company.engineers if e.role in ROLES[:4]])
    match scene.ids.random.randrange(6):
        case 0 | 1:
            machine = scene.ids.pick(FLEET)
            aws.stop_instances(scene, actor, machine)
            scene.wait(120, 7000)
            aws.start_instances(scene, actor, machine)
        case 2 | 3:
            made = aws.run_instances(scene, actor, aws.Launch(AWS.golden_image, scene.ids.pick(("t3.micro", "t3.medium", "m5.large")), name="test"))
            scene.wait(2 * 3600, 7 * 3600)
            aws.terminate_instances(scene, actor, *made)
        case 4:
            aws.create_snapshot(scene, actor, scene.ids.ec2("vol"), "before-change", size=100)
        case _:
            volume = aws.create_volume(scene, actor, "scratch", size=20)
            aws.attach_volume(scene, actor, volume, scene.ids.pick(FLEET), "/dev/sdg")


def _azure_backup(scene: Scene, _: Company) -> None:
    name = f"app{scene.ids.random.randrange(1, 9):02}"
    source = azure.resource("Microsoft.Compute/disks", f"{name}_OsDisk_1")
    azure.write_disk(scene, AZURE_BACKUP, f"AzureBackup_{scene.ids.digits(15)}_{name}", source, kind="snapshots")


def _azure_apply(scene: Scene, _: Company) -> None:
    create_machine(scene, AZURE_PIPELINE, f"batch{scene.ids.digits(4)}")


def _azure_engineer_works(scene: Scene, company: Company) -> None:
    actor = scene.ids.pick(company.azure_people[:20])
    machine = azure.resource("Microsoft.Compute/virtualMachines", f"app{scene.ids.random.randrange(1, 9):02}")
    if scene.ids.random.random() < 0.6:
        azure.machine_action(scene, actor, "deallocate", machine)
        scene.wait(300, 8000)
        azure.machine_action(scene, actor, "start", machine)
    else:
        create_machine(scene, actor, f"test{scene.ids.digits(4)}")


def _group_scales(scene: Scene, _: Company) -> None:
    machine = gcp.instance(scene, f"web-{scene.ids.base36(4)}")
    gcp.insert_instance(scene, GCP_GROUP_MANAGER, machine, image=f"projects/{GCP.project}/global/images/web-20260901")
    with scene.at(scene.ids.between(900, 14_000)):
        gcp.change_instance(scene, GCP_GROUP_MANAGER, "delete", machine)


def _gcp_backup(scene: Scene, _: Company) -> None:
    take_snapshot(scene, GCP_PIPELINE, f"app{scene.ids.random.randrange(1, 9):02}", f"daily-{scene.ids.digits(8)}")


def _gcp_engineer_works(scene: Scene, company: Company) -> None:
    actor = scene.ids.pick(company.gcp_people[:12])
    if scene.ids.random.random() < 0.6:
        machine = gcp.instance(scene, f"app{scene.ids.random.randrange(1, 9):02}")
        gcp.change_instance(scene, actor, "stop", machine)
        scene.wait(300, 8000)
        gcp.change_instance(scene, actor, "start", machine)
    else:
        gcp.insert_instance(scene, actor, gcp.instance(scene, f"test-{scene.ids.base36(4)}"))


def _engineer_travels(scene: Scene, company: Company) -> None:
    """Let an engineer work a day from a hotel: an address that nobody of the company ever used."""
    actor = replace(scene.ids.pick([e for e in company.engineers if e.role in ROLES[:4]]), ip=f"198.18.{scene.ids.random.randrange(256)}.7")
    for _ in range(6):
        cloudtrail.describe(scene, actor, "DescribeInstances")
        scene.wait(60, 900)
    machine = scene.ids.pick(FLEET)
    aws.stop_instances(scene, actor, machine)
    scene.wait(300, 2000)
    aws.start_instances(scene, actor, machine)


# (work, hours of the day, times a day, at weekends too)
_WORK: Mapping[Cloud, Sequence[tuple[Work, tuple[float, float], float, bool]]] = {
    Cloud.AWS: (
        (_scale_out_and_in, (0, 20), 30, True),
        (_nightly_backup, (1, 4), 25, True),
        (_stop_at_night, (19, 19.5), 1, False),
        (_apply, (8, 17), 3, False),
        (_replace_environment, (8, 15), 1.5, False),
        (_bake, (5, 6), 1, False),
        (_engineer_works, (8, 15), 7, False),
        (_engineer_works, (10, 15), 0.5, True),
        (_engineer_travels, (8, 15), 0.4, False),
    ),
    Cloud.AZURE: ((_azure_backup, (1, 3), 8, True), (_azure_apply, (8, 17), 2, False), (_azure_engineer_works, (8, 16), 4, False)),
    Cloud.GCP: ((_group_scales, (0, 20), 15, True), (_gcp_backup, (2, 3), 6, True), (_gcp_engineer_works, (8, 16), 3, False)),
}

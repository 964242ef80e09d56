"""CloudTrail files of any size for the benchmarks, as S3 holds them; the same arguments give the same bytes.

What is drawn from is what real trails look like: a few calls of S3, KMS, SSM and EC2 make up most of
it and some hundred others the rest, nearly nine in ten are reads without an answer, four in ten
carry additional data, sessions last an hour and make many calls, and a record has about 1,400 bytes.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 90
_REGIONS = ("eu-west-3", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1", "sa-east-1", "ca-central-1", "eu-north-1")
_AGENTS = (
    "aws-sdk-go-v2/1.30.4 os/linux lang/go#1.22.6 md/GOARCH#amd64 api/%s#1.61.0",
    "Boto3/1.34.162 md/Botocore#1.34.162 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.9 cfg/retry-mode#standard Botocore/1.34.162 svc/%s",
    "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#5.10 md/arch#x86_64 lang/python#3.11.8 md/command#%s",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.4 terraform-provider-aws/5.62.0 (+registry; %s) aws-sdk-go-v2/1.30.3",
    "Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0 %s",
)
_COMMON = (  # name, service, weight, template of the parameters, kind of resource
    (
        "PutObject",
        "s3",
        150,
        '{"bucketName":"%(name)s-data","Host":"%(name)s.s3.%(region)s.amazonaws.com","key":"in/%(hex)s.parquet","acl":"private"}',
        "s3",
    ),
    ("GetObject", "s3", 120, '{"bucketName":"%(name)s-data","Host":"%(name)s.s3.%(region)s.amazonaws.com","key":"out/%(hex)s.json"}', "s3"),
    ("GetBucketAcl", "s3", 120, '{"bucketName":"%(name)s-logs","Host":"%(name)s.s3.amazonaws.com","acl":""}', "s3"),
    ("Decrypt", "kms", 90, '{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::%(name)s-data/%(hex)s"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}', "kms"),
    ("GenerateDataKey", "kms", 90, '{"keyId":"arn:aws:kms:%(region)s:%(account)s:key/%(name)s","keySpec":"AES_256"}', "kms"),
    ("AssumeRole", "sts", 50, '{"roleArn":"arn:aws:iam::%(account)s:role/%(name)s","roleSessionName":"%(name)s-%(number)d","durationSeconds":3600}', "role"),
    ("DescribeInstances", "ec2", 60, '{"maxResults":1000,"instancesSet":{},"filterSet":{}}', ""),
    ("DescribeParameters", "ssm", 30, '{"maxResults":50}', ""),
    ("GetParameter", "ssm", 30, '{"name":"/%(name)s/config","withDecryption":true}', ""),
    ("DescribeRouteTables", "ec2", 20, '{"routeTableIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-%(name)s"}]}}]}}', ""),
    ("CreateLogStream", "logs", 25, '{"logGroupName":"/aws/lambda/%(name)s","logStreamName":"2026/%(hex)s"}', ""),
    ("GetSecretValue", "secretsmanager", 15, '{"secretId":"%(name)s/db"}', ""),
    ("ListTagsForResource", "ssm", 20, '{"resourceType":"Parameter","resourceId":"/%(name)s/config"}', ""),
    ("GetCallerIdentity", "sts", 15, "null", ""),
)
_ALLOW = '"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*"}]'
_SHARE = '"createVolumePermission":{"add":{"items":[{"userId":"%(account)s"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"'
_LAUNCH = '"imageId":"ami-%(hex)s","minCount":1,"maxCount":1'
_RARE = (
    (
        "RunInstances",
        "ec2",
        1.8,
        '{"instancesSet":{"items":[{' + _LAUNCH + '}]},"instanceType":"m5.large","monitoring":{"enabled":false}}',
    ),
    ("StopInstances", "ec2", 1.2, '{"instancesSet":{"items":[{"instanceId":"i-%(hex)s"}]},"force":false}'),
    ("StartInstances", "ec2", 1.2, '{"instancesSet":{"items":[{"instanceId":"i-%(hex)s"}]}}'),
    ("TerminateInstances", "ec2", 1.9, '{"instancesSet":{"items":[{"instanceId":"i-%(hex)s"}]}}'),
    ("CreateSnapshot", "ec2", 1.3, '{"volumeId":"vol-%(hex)s","description":"nightly %(name)s"}'),
    ("DeleteSnapshot", "ec2", 0.9, '{"snapshotId":"snap-%(hex)s"}'),
    (
        "ModifySnapshotAttribute",
        "ec2",
        0.05,
        '{"snapshotId":"snap-%(hex)s",' + _SHARE + "}",
    ),
    ("CreateVolume", "ec2", 0.8, '{"size":"100","zone":"%(region)sa","volumeType":"gp3","snapshotId":"snap-%(hex)s"}'),
    ("ModifyInstanceAttribute", "ec2", 0.3, '{"instanceId":"i-%(hex)s","attribute":"userData"}'),
    ("CreateAccessKey", "iam", 0.1, '{"userName":"%(name)s"}'),
    ("ConsoleLogin", "signin", 0.4, "null"),
    ("PutBucketPolicy", "s3", 0.2, '{"bucketName":"%(name)s-data","bucketPolicy":{' + _ALLOW + "}}"),
)
_TAIL = tuple((f"{verb}{thing}", service) for verb in ("Describe", "List", "Get") for thing, service in (
    ("Volumes", "ec2"), ("Snapshots", "ec2"), ("Images", "ec2"), ("SecurityGroups", "ec2"), ("Subnets", "ec2"), ("Vpcs", "ec2"), ("NatGateways", "ec2"),
    ("Addresses", "ec2"), ("KeyPairs", "ec2"), ("Tags", "ec2"), ("LogGroups", "logs"), ("Alarms", "monitoring"), ("Clusters", "ecs"), ("Services", "ecs"),
    ("Tasks", "ecs"), ("DBInstances", "rds"), ("DBSnapshots", "rds"), ("Functions20150331", "lambda"), ("Roles", "iam"), ("Users", "iam"), ("Policies", "iam"),
    ("Buckets", "s3"), ("BucketTagging", "s3"), ("BucketVersioning", "s3"), ("BucketLifecycle", "s3"), ("Queues", "sqs"), ("Topics", "sns"), ("Stacks", "cfn"),
    ("Trails", "cloudtrail"), ("Rules", "events"), ("Keys", "kms"), ("Certificates", "acm"), ("HostedZones", "route53"), ("LoadBalancers", "elb"),
    ("TargetGroups", "elb"), ("AutoScalingGroups", "autoscaling"), ("LaunchTemplates", "ec2"), ("Repositories", "ecr"), ("Findings", "securityhub"),
))  # fmt: skip
_SESSION_EVENTS = 60
_PEOPLE = 500
_ACCOUNTS = 20


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    service: str
    parameters: str
    kind: str
    reads: bool


class Mix:
    """Draws records one after another; `days` is how long the `events` of a run take."""

    def __init__(self, seed: int, events: int, days: float = DAYS) -> None:
        self._dice = random.Random(seed)  # noqa: S311  # the same events each time
        self._second = days * 86_400 / max(events, 1)
        calls = [(_Call(n, s, p, k, n.startswith(("Get", "Describe", "List", "Decrypt"))), float(w)) for n, s, w, p, k in _COMMON]
        calls += [(_Call(n, s, p, "", False), float(w)) for n, s, w, p in _RARE]
        calls += [(_Call(n, s, '{"maxResults":100}' if at % 3 else "null", "", True), 90 / (at + 5)) for at, (n, s) in enumerate(_TAIL)]
        self._calls = [call for call, _ in calls]
        self._weights = list(accumulate(weight for _, weight in calls))
        self._sessions: list[tuple[str, str, str, str]] = [self._session() for _ in range(200)]

    def _hex(self, digits: int) -> str:
        return f"{self._dice.getrandbits(4 * digits):0{digits}x}"

    def _session(self) -> tuple[str, str, str, str]:
        """Return an identity with its account, address and name."""
        dice = self._dice
        person = min(int(dice.paretovariate(0.7)), _PEOPLE)
        account, name = f"{700000000000 + person % _ACCOUNTS}", f"worker-{person:03}"
        address = f"203.0.113.{person % 250}"
        if person % 7 == 0:
            service = dice.choice(("config", "cloudtrail", "autoscaling"))
            return f'{{"type":"AWSService","invokedBy":"{service}.amazonaws.com"}}', account, f"{service}.amazonaws.com", name
        if person % 5 == 0:
            who = f'"type":"IAMUser","principalId":"AIDA{person:016}","arn":"arn:aws:iam::{account}:user/{name}","accountId":"{account}"'
            return f'{{{who},"accessKeyId":"AKIA{person:016}","userName":"{name}"}}', account, address, name
        role, key = f"AROA{person:016}", self._hex(16).upper()
        issuer = f'"type":"Role","principalId":"{role}","arn":"arn:aws:iam::{account}:role/{name}","accountId":"{account}","userName":"{name}"'
        made = (START + timedelta(seconds=dice.randrange(DAYS * 86_400))).strftime("%Y-%m-%dT%H:%M:%SZ")
        context = f'{{"sessionIssuer":{{{issuer}}},"attributes":{{"creationDate":"{made}","mfaAuthenticated":"{("false", "true")[person % 3 == 0]}"}}}}'
        who = f'"type":"AssumedRole","principalId":"{role}:{name}","arn":"arn:aws:sts::{account}:assumed-role/{name}/{name}-{key[:6]}","accountId":"{account}"'
        return f'{{{who},"accessKeyId":"ASIA{key}","sessionContext":{context}}}', account, address, name

    def record(self, number: int) -> str:
        """Return the record of that number as compact JSON; numbers are in the order of time."""
        dice = self._dice
        slot = dice.randrange(len(self._sessions))
        if dice.random() < 1 / _SESSION_EVENTS:
            self._sessions[slot] = self._session()
        identity, account, address, name = self._sessions[slot]
        call = self._calls[bisect(self._weights, dice.random() * self._weights[-1])]
        region = _REGIONS[int(dice.random() ** 2 * len(_REGIONS))]
        moment = (START + timedelta(seconds=int(number * self._second))).strftime("%Y-%m-%dT%H:%M:%SZ")
        agent = address if address.endswith(".com") else _AGENTS[hash_of(name) % len(_AGENTS)] % call.service
        values = {"name": name, "region": region, "account": account, "number": number % 997, "hex": self._hex(17)}
        error = (
            '"errorCode":"AccessDenied","errorMessage":"User is not authorized to perform: ' + f'{call.service}:{call.name}",' if dice.random() < 0.06 else ""
        )
        answer = "null" if call.reads or error else f'{{"requestId":"{self._hex(32)}","_return":true,"made":"{values["hex"]}"}}'
        extra = resources = tls = ""
        if call.kind:
            arn = f"arn:aws:{call.kind}:{region}:{account}:{name}"
            resources = (
                f'"resources":[{{"accountId":"{account}","type":"AWS::{call.kind.upper()}::Thing","ARN":"{arn}"}},{{"type":"AWS::Object","ARN":"{arn}/data"}}],'
            )
        if call.service in ("s3", "kms"):
            moved = f'"bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"{self._hex(60)}","bytesTransferredOut":{dice.randrange(900)}'
            extra = f'"additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256",{moved}}},'
        elif dice.random() < 0.5:
            host = f'"clientProvidedHostHeader":"{call.service}.{region}.amazonaws.com"'
            tls = f',"tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256",{host}}}'
        parameters = call.parameters % values if "%" in call.parameters else call.parameters
        kind = "Data" if call.name in ("PutObject", "GetObject") else "Management"
        return (
            f'{{"eventVersion":"1.11","userIdentity":{identity},"eventTime":"{moment}","eventSource":"{call.service}.amazonaws.com","eventName":"{call.name}",'
            f'"awsRegion":"{region}","sourceIPAddress":"{address}","userAgent":"[{agent}]",{error}"requestParameters":{parameters},'
            f'"responseElements":{answer},{extra}"requestID":"{self._uuid()}","eventID":"{self._uuid()}","readOnly":{str(call.reads).lower()},{resources}'
            f'"eventType":"AwsApiCall","managementEvent":{str(kind == "Management").lower()},"recipientAccountId":"{account}","eventCategory":"{kind}"{tls}}}'
        )

    def _uuid(self) -> str:
        digits = self._hex(32)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"

    def records(self, first: int, count: int) -> Iterator[str]:
        """Return records in the order of time."""
        return map(self.record, range(first, first + count))


def hash_of(name: str) -> int:
    """Return a small number that is the same in every run."""
    return sum(map(ord, name))


def write_files(folder: Path, events: int, files: int, seed: int = 7, days: float = DAYS, progress: Callable[[str], None] | None = None) -> int:
    """Write gzip files of `{"Records": [...]}` and return the size of their text in bytes."""
    mix, size = Mix(seed, events, days), 0
    folder.mkdir(parents=True, exist_ok=True)
    for file in range(files):
        first, end = file * events // files, (file + 1) * events // files
        size += write_records(folder / f"{file:06}.json.gz", mix, first, end - first)
        if progress is not None:
            progress(f"file {file + 1} of {files}")
    return size


def write_records(path: Path, mix: Mix, first: int, count: int) -> int:
    """Write one gzip file of records and return the size of its text in bytes."""
    from isal import igzip

    text = ('{"Records":[' + ",".join(mix.records(first, count)) + "]}").encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(igzip.compress(text, compresslevel=2))
    return len(text)

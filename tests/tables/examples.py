"""Events of our own making, in the forms the clouds write them."""

from __future__ import annotations

from typing import Any

ROLE = "arn:aws:iam::111122223333:role/Deploy"
AWS_CALL: dict[str, Any] = {
    "eventVersion": "1.11",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:jo",
        "arn": "arn:aws:sts::111122223333:assumed-role/Deploy/jo",
        "accountId": "111122223333",
        "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "principalId": "AROAEXAMPLE", "arn": ROLE, "accountId": "111122223333", "userName": "Deploy"},
            "attributes": {"creationDate": "2026-05-01T09:00:00Z", "mfaAuthenticated": "true"},
        },
    },
    "eventTime": "2026-05-01T10:00:00Z",
    "eventSource": "ec2.amazonaws.com",
    "eventName": "RunInstances",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "198.51.100.7",
    "userAgent": "aws-cli/2.20",
    "requestParameters": {"instanceType": "m5.large", "instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1, "maxCount": 2}]}},
    "responseElements": {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}},
    "requestID": "r-1",
    "eventID": "e-1",
    "readOnly": False,
    "eventType": "AwsApiCall",
    "managementEvent": True,
    "recipientAccountId": "111122223333",
    "eventCategory": "Management",
    "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": "ec2.eu-west-1.amazonaws.com"},
}
AWS_FAILURE = AWS_CALL | {
    "eventID": "e-2",
    "errorCode": "Client.InstanceLimitExceeded",
    "errorMessage": "too many",
    "sourceIPAddress": "autoscaling.amazonaws.com",
    "responseElements": None,
}
AWS_READ = AWS_CALL | {
    "eventID": "e-3",
    "eventName": "DescribeInstances",
    "readOnly": True,
    "requestParameters": {"note": 'a "b", c: {d}\n\\n'},
    "responseElements": None,
}
AWS_SIGN_IN = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"},
    "eventTime": "2026-05-01T11:00:00Z",
    "eventSource": "signin.amazonaws.com",
    "eventName": "ConsoleLogin",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "2001:db8::7",
    "userAgent": "Mozilla/5.0",
    "requestParameters": None,
    "responseElements": {"ConsoleLogin": "Failure"},
    "additionalEventData": {"LoginTo": "https://console.aws.amazon.com", "MobileVersion": "No", "MFAUsed": "Yes"},
    "eventID": "e-4",
    "eventType": "AwsConsoleSignIn",
    "recipientAccountId": "111122223333",
}

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
MACHINE = f"/SUBSCRIPTIONS/{SUBSCRIPTION}/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/WEB1"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def azure(result: str, signature: str, **changes: Any) -> dict[str, Any]:
    return {
        "time": "2026-05-01T10:00:00.1234567Z",
        "resourceId": MACHINE,
        "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE",
        "category": "Administrative",
        "resultType": result,
        "resultSignature": signature,
        "durationMs": 25,
        "callerIpAddress": "198.51.100.8",
        "correlationId": "c-1",
        "identity": {
            "authorization": {
                "action": "Microsoft.Compute/virtualMachines/write",
                "evidence": {"role": "Owner", "principalType": "User", "principalId": "p-1"},
            },
            "claims": {UPN: "jo@example.com", NAME: "jo@example.com", "name": "Jo", "appid": "app-1", OBJECT: "o-1"},
        },
        "level": "Information",
        "location": "global",
        "properties": {"statusCode": "Created", "eventCategory": "Administrative", "responseBody": '{"location":"westeurope"}'},
        "tenantId": "t-1",
    } | changes


AZURE_PRINCIPAL = azure("Failure", "Failed.Conflict", identity={"claims": {"appid": "app-2", OBJECT: "o-2"}})
AZURE_PORTAL = {
    "eventTimestamp": "2026-05-01T10:00:00Z",
    "submissionTimestamp": "2026-05-01T10:01:00Z",
    "operationName": {"value": "Microsoft.Compute/snapshots/write", "localizedValue": "Create or Update Snapshot"},
    "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
    "subStatus": {"value": "Created", "localizedValue": "Created (HTTP Status Code: 201)"},
    "eventDataId": "d-1",
    "caller": "jo@example.com",
    "correlationId": "c-2",
    "category": {"value": "Administrative", "localizedValue": "Administrative"},
    "resourceId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Compute/snapshots/copy1",
    "resourceGroupName": "shop",
    "subscriptionId": SUBSCRIPTION,
    "claims": {"ipaddr": "198.51.100.9"},
    "level": "Informational",
}


def gcp(insert: str, operation: dict[str, Any] | None = None, **payload: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "authenticationInfo": {"principalEmail": "Jo@example.com", "principalSubject": "user:jo@example.com"},
            "requestMetadata": {"callerIp": "198.51.100.10", "callerSuppliedUserAgent": "gcloud"},
            "serviceName": "compute.googleapis.com",
            "methodName": "v1.compute.instances.insert",
            "resourceName": "projects/shop/zones/europe-west1-b/instances/web1",
        }
        | payload,
        "insertId": insert,
        "resource": {"type": "gce_instance", "labels": {"instance_id": "7", "project_id": "shop", "zone": "europe-west1-b"}},
        "timestamp": "2026-05-01T10:00:00.5Z",
        "receiveTimestamp": "2026-05-01T10:00:02Z",
        "severity": "NOTICE",
        "logName": "projects/shop/logs/cloudaudit.googleapis.com%2Factivity",
    }
    return entry if operation is None else entry | {"operation": operation}


def checked(*answers: str) -> list[dict[str, Any]]:
    return [{"permission": f"compute.permission{i}", "granted": answer == "granted"} for i, answer in enumerate(answers)]


GCP_FIRST = gcp("g-1", {"id": "operation-1", "first": True}, authorizationInfo=checked("granted", "granted"), request={"name": "web1"})
GCP_LAST = gcp("g-2", {"id": "operation-1", "last": True})
GCP_DENIED = gcp("g-3", status={"code": 7, "message": "denied"}, authorizationInfo=checked("denied"), requestMetadata={"callerIp": "private"})
GCP_ALLOWED = gcp("g-4", authorizationInfo=checked("granted"), methodName="compute.disks.get")

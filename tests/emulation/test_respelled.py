"""Records told in the other spellings of their cloud: another case of letters, another word for a result, another version of the API."""

from __future__ import annotations

from livefire.emulation.respelled import respelled


def test_azure_writes_names_in_small_letters_too_and_another_word_for_success() -> None:
    raw = {"operationName": "MICROSOFT.COMPUTE/DISKS/WRITE", "resourceId": "/SUBSCRIPTIONS/A/DISKS/D", "resultType": "Success", "callerIpAddress": "192.0.2.1"}
    told = respelled("azure_activity", raw)
    assert told == {
        "operationName": "microsoft.compute/disks/write",
        "resourceId": "/subscriptions/a/disks/d",
        "resultType": "Succeeded",
        "callerIpAddress": "192.0.2.1",
    }
    assert raw["resultType"] == "Success", "the record itself stays as it is"


def test_a_result_without_another_word_stays() -> None:
    assert respelled("azure_activity", {"operationName": "A/B", "resultType": "Active"}) == {"operationName": "a/b", "resultType": "Active"}


def test_google_writes_another_version_before_the_method_and_leaves_services_alone() -> None:
    def method(name: str) -> str:
        return str(respelled("gcp_audit", {"protoPayload": {"methodName": name}})["protoPayload"]["methodName"])

    assert method("v1.compute.instances.insert") == "beta.compute.instances.insert"
    assert method("beta.compute.disks.insert") == "v1.compute.disks.insert"
    assert method("google.iam.admin.v1.CreateServiceAccount") == "google.iam.admin.v1.CreateServiceAccount"
    assert method("ScheduledSnapshots") == "ScheduledSnapshots"


def test_aws_writes_names_in_one_way() -> None:
    assert respelled("aws_cloudtrail", {"eventName": "RunInstances"}) == {"eventName": "RunInstances"}

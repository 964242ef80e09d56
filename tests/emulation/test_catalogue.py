"""The catalogue: every published test has its attack, every attack its look-alikes, every look-alike its reasons."""

from __future__ import annotations

import re

import pytest

from livefire.emulation import Cloud, Emulation, Kind, UnknownEmulationError, emulations, find, for_technique, look_alikes_of

# The tests printed on the published pages: four, four and three. The two pages of .002 print the same four.
PAGE_TESTS = [
    *(f"T1578.002-sentinel#{n}" for n in (1, 2, 3, 4)),
    *(f"T1578.004-logscale#{n}" for n in (1, 2, 3, 4)),
    *(f"T1578-elastic#{n}" for n in (1, 2, 3)),
]
# The cloud each test names in its title.
PAGE_CLOUDS = {
    "T1578.002-sentinel#2": Cloud.AZURE,
    "T1578.002-sentinel#3": Cloud.GCP,
    "T1578.004-logscale#3": Cloud.AZURE,
    "T1578-elastic#2": Cloud.AZURE,
}
ATTACKS = [e for e in emulations() if e.kind is Kind.ATTACK]
LOOK_ALIKES = [e for e in emulations() if e.kind is Kind.LOOK_ALIKE]


def name(emulation: Emulation) -> str:
    return emulation.id


def test_each_published_test_has_exactly_one_attack() -> None:
    assert sorted(e.page_test for e in emulations() if e.page_test) == sorted(PAGE_TESTS)
    assert all(e.kind is Kind.ATTACK for e in emulations() if e.page_tests)


@pytest.mark.parametrize("page_test", PAGE_TESTS)
def test_a_published_test_is_told_in_its_cloud_and_technique(page_test: str) -> None:
    (emulation,) = [e for e in emulations() if page_test in e.page_tests]
    assert emulation.cloud is PAGE_CLOUDS.get(page_test, Cloud.AWS)
    assert emulation.technique == page_test.split("-", 1)[0]


def test_the_other_page_of_002_names_the_same_emulations() -> None:
    other = [page for e in emulations() for page in e.page_tests if page.startswith("T1578.002-logscale")]
    assert sorted(other) == [f"T1578.002-logscale#{n}" for n in (1, 2, 3, 4)]


def test_ids_are_unique_and_say_technique_and_cloud() -> None:
    ids = [e.id for e in emulations()]
    assert len(set(ids)) == len(ids)
    for emulation in emulations():
        assert emulation.id.startswith(f"{emulation.technique}/{emulation.cloud.value}-")
        assert re.fullmatch(r"T1578(\.\d{3})?/[a-z0-9-]+", emulation.id)


@pytest.mark.parametrize("attack", [e for e in ATTACKS if e.page_tests], ids=name)
def test_a_published_attack_has_a_look_alike_in_its_cloud(attack: Emulation) -> None:
    assert any(e.cloud is attack.cloud for e in look_alikes_of(attack.id))


def test_there_are_as_many_distinct_benign_stories_as_published_tests() -> None:
    assert len({e.story for e in LOOK_ALIKES}) == len(LOOK_ALIKES) >= len(PAGE_TESTS)


@pytest.mark.parametrize("look_alike", LOOK_ALIKES, ids=name)
def test_a_look_alike_says_what_it_resembles_and_how_it_differs(look_alike: Emulation) -> None:
    assert look_alike.differs_by
    assert look_alike.resembles
    for resembled in look_alike.resembles:
        assert find(resembled).kind is Kind.ATTACK
        assert find(resembled).cloud is look_alike.cloud


@pytest.mark.parametrize("attack", ATTACKS, ids=name)
def test_an_attack_says_what_to_key_on_and_what_to_type(attack: Emulation) -> None:
    assert attack.signal
    assert attack.commands
    tool = {Cloud.AWS: "aws ", Cloud.AZURE: "az ", Cloud.GCP: "gcloud "}[attack.cloud]
    assert all(tool in command for command in attack.commands)


@pytest.mark.parametrize("attack", ATTACKS, ids=name)
def test_what_the_commands_create_is_cleaned_up(attack: Emulation) -> None:
    creates = any(re.search(r"(run-instances|vm create|instances create|snapshot create|disks? create|create-volume)", c) for c in attack.commands)
    undoes = any(re.search(r"(terminate|delete)", c) for c in (*attack.commands, *attack.cleanup))
    refused = attack.id == "T1578.002/gcp-gpu-refused"  # nothing comes to exist
    assert undoes or refused or not creates


def test_an_id_is_found_in_any_case() -> None:
    assert find("t1578.002/AWS-run-instances").title == "Launch an EC2 instance with a stolen access key"


def test_a_misspelt_id_names_the_nearest() -> None:
    with pytest.raises(UnknownEmulationError, match=r"did you mean .*T1578\.002/aws-run-instances"):
        find("T1578.002/aws-run-instance")


def test_a_parent_technique_brings_its_sub_techniques() -> None:
    parent, child = for_technique("T1578"), for_technique("t1578.004")
    assert set(child) < set(parent) == set(emulations())
    assert {e.technique for e in child} == {"T1578.004"}
    assert for_technique("T1110") == ()
    # T1578.0 is no technique, though the name of one begins so.
    assert for_technique("T1578.0") == ()

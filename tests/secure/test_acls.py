"""The rights on a real broker: added, compared, and what is too much told with its remedy."""

from __future__ import annotations

import pytest
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)

from streams.admin.rights import Kind, needed
from tests.kafka.waiting import until
from tests.secure.secured import ADMIN


def allow(kind, name, pattern, operation):
    return ACL(
        "User:mallory",
        "*",
        operation,
        ACLPermissionType.ALLOW,
        ResourcePattern(kind, name, pattern),
    )


LITERAL, PREFIXED = ACLResourcePatternType.LITERAL, ACLResourcePatternType.PREFIXED


def test_a_cluster_without_rights_is_told_all_of_them_and_applying_twice_adds_nothing(
    secured, prefix
):
    acls = ("topics", "acls", "--prefix", prefix)
    told = secured.json(ADMIN, *acls, "--check", code=1)["missing"]
    # Those on the cluster itself may be there, for another prefix.
    missing = [(one["party"], one["may"], one["name"]) for one in told if one["on"] != "cluster"]
    assert missing == [
        (right.party, right.operation, right.name)
        for right in needed(prefix)
        if right.kind is not Kind.CLUSTER
    ]
    assert secured.json(ADMIN, *acls, "--apply")["missing"] == told
    nothing = {"missing": [], "excess": []}
    until(lambda: secured.vigil(ADMIN, *acls, "--check").returncode == 0)
    assert secured.json(ADMIN, *acls, "--check") == nothing
    assert secured.json(ADMIN, *acls, "--apply") == nothing


@pytest.mark.parametrize(
    "too_much",
    [
        (ResourceType.TOPIC, "{}moderation-hits", LITERAL, ACLOperation.WRITE),
        (ResourceType.TOPIC, "{}mod", PREFIXED, ACLOperation.ALL),
        (ResourceType.TOPIC, "*", LITERAL, ACLOperation.READ),
        (ResourceType.GROUP, "{}vigil", PREFIXED, ACLOperation.READ),
        (ResourceType.TRANSACTIONAL_ID, "{}vigil.governor.3", LITERAL, ACLOperation.WRITE),
    ],
    ids=["a hit", "a prefix", "a wildcard", "the group", "a transactional id"],
)
def test_a_right_too_much_is_told_with_the_command_that_takes_it_away(secured, granted, too_much):
    kind, name, pattern, operation = too_much
    acl = allow(kind, name.format(granted), pattern, operation)
    with secured.admin() as admin:
        admin.create_acls([acl])
        try:
            until(lambda: admin.describe_acls(acl)[0])
            run = secured.vigil(ADMIN, "topics", "acls", "--check", "--prefix", granted)
        finally:
            admin.delete_acls([acl])
            until(lambda: not admin.describe_acls(acl)[0])
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()[:-1]
    assert line.startswith("User:mallory may ")
    assert "kafka-acls.sh --remove --force --allow-principal User:mallory" in line
    assert name.format(granted) in line


def test_a_right_on_what_is_not_ours_is_nobodys_business(secured, granted):
    acl = allow(ResourceType.TOPIC, "elsewhere", LITERAL, ACLOperation.WRITE)
    with secured.admin() as admin:
        admin.create_acls([acl])
        until(lambda: admin.describe_acls(acl)[0])
    assert secured.vigil(ADMIN, "topics", "acls", "--check", "--prefix", granted).returncode == 0


def test_whoever_may_not_alter_the_cluster_is_told_so(secured, granted):
    run = secured.vigil("vigil-operators", "topics", "acls", "--apply", "--prefix", granted)
    assert run.returncode == 3
    assert "denies User:vigil-operators what it needs of the cluster" in run.stderr


def test_the_doctor_tells_rights_that_are_missing_and_those_that_are_too_many(secured, granted):
    doctor = ("doctor", "--prefix", granted)
    assert told_of_rights(secured.json(ADMIN, *doctor)) == []
    right = next(
        one for one in needed(granted) if one.party == "workers" and one.name.endswith("proposals")
    )
    acl = allow(ResourceType.TOPIC, f"{granted}moderation-hits", LITERAL, ACLOperation.WRITE)
    with secured.without(right), secured.admin() as admin:
        admin.create_acls([acl])
        try:
            until(lambda: admin.describe_acls(acl)[0])
            missing, excess = told_of_rights(secured.json(ADMIN, *doctor, code=1))
        finally:
            admin.delete_acls([acl])
            until(lambda: not admin.describe_acls(acl)[0])
    assert (missing["severity"], missing["about"]) == ("problem", "User:vigil-workers")
    assert f"Write on topic {granted}proposals" in missing["problem"]
    assert missing["remedy"].endswith(f"vigil topics acls --apply --prefix {granted}")
    assert (excess["severity"], excess["about"]) == ("warning", "User:mallory")
    assert "kafka-acls.sh --remove --force --allow-principal User:mallory" in excess["remedy"]


def test_a_doctor_that_may_not_read_rights_says_so_and_goes_on(secured, granted):
    (note,) = told_of_rights(secured.json("vigil-watchers", "doctor", "--prefix", granted))
    assert note["severity"] == "note"
    assert "ACLs can't be read" in note["problem"]
    assert "vigil topics acls --check" in note["remedy"]


def told_of_rights(findings):
    return [one for one in findings if "acls" in one["remedy"]]


def test_a_kafka_that_checks_nothing_is_told(kafka):
    from streams.cli.main import main  # noqa: PLC0415 - needs no secured broker

    assert main(["topics", "acls", "--check", "--brokers", kafka]) == 3


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("vigil-watchers", "doctor"),
        ("vigil-watchers", "topics check"),
        ("vigil-watchers", "tap --timeout 0.5 --from-beginning"),
        ("vigil-operators", "queue"),
        ("vigil-operators", "snooze a1 --for 1h --reviewer rv-1 --reason appeal"),
        ("vigil-publishers", "rules publish catalogue"),
        ("vigil-publishers", "rules status"),
    ],
)
def test_each_party_can_do_its_work(secured, granted, user, command):
    run = secured.vigil(user, *command.split(), "--prefix", granted)
    allowed = {0, 1} if command == "doctor" else {0}
    assert run.returncode in allowed, run.stderr


def test_who_has_no_business_with_a_topic_is_told_which_right_is_missing(secured, granted):
    run = secured.vigil("vigil-platform", "tap", "detections", "--prefix", granted)
    assert run.returncode == 3
    (line,) = run.stderr.splitlines()
    assert f"{granted}detections: may not be seen, an ACL is missing. Have the admin" in line

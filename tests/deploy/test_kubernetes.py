"""What `kubectl apply -k` would send: valid, without rights, and under the names Vigil counts on."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from streams.config import SETTINGS
from streams.topics import DEFAULT_PARTITIONS
from tests.deploy.files import DEPLOY, judged, parsed, program

KUBERNETES = DEPLOY / "kubernetes"
VARIANTS = ["base", "overlays/production", "overlays/keda", "overlays/trial"]
WITHOUT_SCHEMA = {"ScaledObject", "TriggerAuthentication"}  # KEDA's own kinds


@functools.cache
def built(variant: str) -> str:
    return judged(program("kubectl", "kubernetes-client"), "kustomize", KUBERNETES / variant)


def one(variant: str, kind: str) -> Any:
    (found,) = [document for document in parsed(built(variant)) if document["kind"] == kind]
    return found


def test_every_overlay_is_tested():
    assert {f"overlays/{path.name}" for path in (KUBERNETES / "overlays").iterdir()} | {
        "base"
    } == set(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_kubernetes_would_accept_it(variant, tmp_path):
    file = tmp_path / "built.yaml"
    file.write_text(built(variant))
    said = judged(program("kubernetes-validate", "pipx"), "--strict", file)
    unknown = [line.split()[7] for line in said.splitlines() if line.startswith("WARN")]
    assert set(unknown) <= WITHOUT_SCHEMA
    passed = sum(line.startswith("INFO") for line in said.splitlines())
    assert passed + len(unknown) == len(parsed(built(variant)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pod_has_no_rights_and_its_name_is_the_workers(variant):
    pod = one(variant, "StatefulSet")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    names = {variable["name"]: variable for variable in container["env"]}
    told = names["VIGIL_WORKER_ID"]["valueFrom"]["fieldRef"]
    assert told == {"fieldPath": "metadata.name"}
    known = {setting.variable for setting in SETTINGS.values()} | {"VIGIL_CONFIG"}
    assert names.keys() | one(variant, "ConfigMap")["data"].keys() <= known
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["args"] == ["run", "--web", "0.0.0.0:8321"]
    assert pod["terminationGracePeriodSeconds"] > 10


@pytest.mark.parametrize("variant", VARIANTS)
def test_budget_network_policy_and_service_select_the_workers_and_nothing_else(variant):
    workers = one(variant, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    for selector in (
        one(variant, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        one(variant, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        one(variant, "Service")["spec"]["selector"],
    ):
        assert selector
        assert selector.items() <= workers.items()


@pytest.mark.parametrize("variant", ["base", "overlays/production", "overlays/keda"])
def test_it_logs_in_over_tls_with_a_secret_that_is_mounted_not_in_the_environment(variant):
    settings = one(variant, "ConfigMap")["data"]
    assert settings["VIGIL_SECURITY_PROTOCOL"] == "SASL_SSL"
    secret = {setting.variable for setting in SETTINGS.values() if setting.secret}
    pod = one(variant, "StatefulSet")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert not secret & (settings.keys() | {variable["name"] for variable in container["env"]})
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    (config,) = [v["value"] for v in container["env"] if v["name"] == "VIGIL_CONFIG"]
    assert config == f"{mounts['login']}/vigil.toml"
    assert settings["VIGIL_SSL_CAFILE"] == f"{mounts['ca']}/ca.crt"


def test_it_never_grows_beyond_a_worker_for_each_partition():
    scaled = one("overlays/keda", "ScaledObject")["spec"]
    assert scaled["maxReplicaCount"] == DEFAULT_PARTITIONS
    (trigger,) = scaled["triggers"]
    assert trigger["metadata"]["allowIdleConsumers"] == "false"
    workers = one("overlays/keda", "StatefulSet")
    assert scaled["scaleTargetRef"]["name"] == workers["metadata"]["name"]


def test_production_runs_an_image_by_its_digest():
    pod = one("overlays/production", "StatefulSet")["spec"]["template"]["spec"]
    assert "@sha256:" in pod["containers"][0]["image"]

"""The stack for one machine: it is what compose, Prometheus and Vigil's own commands accept."""

from __future__ import annotations

import pytest

from streams.cli import commands
from streams.config import SETTINGS
from tests.deploy.files import DEPLOY, judged, parsed, program

COMPOSE = DEPLOY / "compose.yaml"
SERVICES = parsed(COMPOSE.read_text())[0]["services"]


def test_it_is_what_the_compose_specification_allows():
    judged(
        program("check-jsonschema", "pipx"),
        "--builtin-schema", "vendor.compose-spec", COMPOSE,
    )  # fmt: skip


def test_nothing_can_be_reached_from_another_machine():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "ports" not in SERVICES["kafka"]
    assert "ports" not in SERVICES["worker"]


@pytest.mark.parametrize("name", [n for n, s in SERVICES.items() if s["image"] == "vigil"])
def test_vigil_has_no_rights_and_commands_it_knows(name):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert set(service["environment"]) <= {setting.variable for setting in SETTINGS.values()}
    command, *arguments = service["command"]
    made = commands.load(command)
    environment = {"brokers": service["environment"]["VIGIL_BROKERS"]}
    if command == "topics":
        made, arguments = made.commands[arguments[0]], arguments[1:]
    assert made.make_context(command, arguments, default_map=environment)


def test_images_of_others_are_named_exactly():
    others = [s["image"] for s in SERVICES.values() if s["image"] != "vigil"]
    assert all(image.partition(":")[2] not in {"", "latest"} for image in others)


def test_everything_mounted_is_there():
    mounts = [v for s in SERVICES.values() for v in s.get("volumes", []) if v.startswith("./")]
    assert len(mounts) == 3
    assert all((DEPLOY / mount.partition(":")[0]).is_dir() for mount in mounts)


def test_prometheus_accepts_its_settings():
    judged(
        program("promtool", "prometheus"), "check", "config", DEPLOY / "prometheus/prometheus.yml"
    )


def test_grafana_asks_the_prometheus_of_the_stack():
    (source,) = parsed((DEPLOY / "grafana/datasources/prometheus.yaml").read_text())[0][
        "datasources"
    ]
    host, _, port = source["url"].removeprefix("http://").partition(":")
    assert SERVICES[host]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_grafana_looks_for_the_boards_where_they_are_mounted():
    (provider,) = parsed((DEPLOY / "grafana/dashboards/vigil.yaml").read_text())[0]["providers"]
    places = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert places["../dashboards"] == provider["options"]["path"]
    assert list((DEPLOY / "../dashboards").glob("*.json"))


def test_every_yaml_file_is_in_style():
    judged(program("yamllint", "yamllint"), "--strict", DEPLOY)

"""The manifests for Kubernetes: valid by the API's own schemas, and consistent with the application and its image."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # it has no types
import pytest
import yaml

from tests.deploy.containerfile import parse
from todo.app import create_app
from todo.doctor.machine import GRACE
from todo.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
VERSION = "1.37"
IMAGE = parse((ROOT / "Containerfile").read_text())["todo"]
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
APART = {"kustomization.yaml", "namespace.yaml", "secret.template.yaml"}
"""Files that are not applied with the others."""

Manifest = dict[str, Any]


def manifests() -> dict[str, Manifest]:
    files = sorted(FOLDER.glob("*.yaml"))
    return {file.name: yaml.safe_load(file.read_text()) for file in files if file.name != "kustomization.yaml"}


MANIFESTS = manifests()
DEPLOYMENT = MANIFESTS["deployment.yaml"]
POD = DEPLOYMENT["spec"]["template"]
[SERVER] = POD["spec"]["containers"]
PODS = {"deployment.yaml": POD, "migration.yaml": MANIFESTS["migration.yaml"]["spec"]["template"]}


def validate(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_valid(name: str) -> None:
    validate(MANIFESTS[name])


def _break_field(deployment: Manifest) -> None:
    deployment["spec"]["template"]["spec"]["containers"][0]["readinessProb"] = {}


def _break_type(deployment: Manifest) -> None:
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = "45s"


def _break_required(deployment: Manifest) -> None:
    del deployment["spec"]["selector"]


@pytest.mark.parametrize("broken", [_break_field, _break_type, _break_required])
def test_a_broken_manifest_is_not(broken: Callable[[Manifest], None]) -> None:
    deployment = copy.deepcopy(DEPLOYMENT)
    broken(deployment)

    with pytest.raises(kubernetes_validate.ValidationError):
        validate(deployment)


def test_kustomize_applies_every_manifest() -> None:
    assert set(KUSTOMIZATION["resources"]) == {file.name for file in FOLDER.iterdir()} - APART
    assert {image["name"] for image in KUSTOMIZATION["images"]} == {
        each["image"] for pod in PODS.values() for each in pod["spec"]["containers"]
    }
    assert KUSTOMIZATION["namespace"] == MANIFESTS["namespace.yaml"]["metadata"]["name"]


def test_the_probes_ask_for_paths_that_the_application_serves() -> None:
    paths = set(create_app(Settings()).openapi()["paths"])
    probes = {name: SERVER[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {probe["path"] for probe in probes.values()} <= paths
    assert probes["readiness"]["path"] == "/health/ready"
    assert {probes[name]["path"] for name in ("startup", "liveness")} == {"/health/live"}  # not the database
    assert {probe["port"] for probe in probes.values()} == {"http"}


def test_ports_and_labels_lead_to_the_server() -> None:
    [port] = SERVER["ports"]
    assert [str(port["containerPort"])] == IMAGE.exposed
    assert MANIFESTS["config.yaml"]["data"].get("PORT", IMAGE.env["PORT"]) == IMAGE.env["PORT"]
    [service] = MANIFESTS["service.yaml"]["spec"]["ports"]
    assert service["targetPort"] == port["name"] == "http"
    labels = POD["metadata"]["labels"]
    assert MANIFESTS["service.yaml"]["spec"]["selector"] == labels
    for name in ("deployment.yaml", "disruption.yaml"):
        assert MANIFESTS[name]["spec"]["selector"]["matchLabels"] == labels
    for spread in POD["spec"]["topologySpreadConstraints"]:
        assert spread["labelSelector"]["matchLabels"] == labels
    assert MANIFESTS["migration.yaml"]["spec"]["template"]["metadata"]["labels"] != labels  # or it would get requests
    assert MANIFESTS["autoscaler.yaml"]["spec"]["scaleTargetRef"]["name"] == DEPLOYMENT["metadata"]["name"]
    [rule] = MANIFESTS["network.yaml"]["spec"]["ingress"]
    assert [allowed["port"] for allowed in rule["ports"]] == [port["name"]]
    [host] = MANIFESTS["ingress.yaml"]["spec"]["rules"]
    [path] = host["http"]["paths"]
    assert path["backend"]["service"]["name"] == MANIFESTS["service.yaml"]["metadata"]["name"]
    assert path["backend"]["service"]["port"]["name"] == service["name"]


def test_every_variable_is_a_setting_with_a_valid_value() -> None:
    data, secret = MANIFESTS["config.yaml"]["data"], MANIFESTS["secret.template.yaml"]["stringData"]
    assert {name.lower() for name in {**data, **secret}} <= set(Settings.model_fields)
    assert set(secret.values()) == {""}
    assert not {name for name in data if "SECRET" in name or name.endswith("URL")}
    Settings.from_environment(**{name.lower(): value for name, value in data.items()})
    for pod in PODS.values():
        [container] = pod["spec"]["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": "todo"}}, {"secretRef": {"name": "todo"}}]


def test_a_pod_has_the_time_that_a_stop_takes() -> None:
    delay = float(MANIFESTS["config.yaml"]["data"]["SHUTDOWN_DELAY"])
    before = SERVER["lifecycle"]["preStop"]["sleep"]["seconds"]
    readiness = SERVER["readinessProbe"]
    assert POD["spec"]["terminationGracePeriodSeconds"] > before + delay + GRACE
    assert delay > readiness["periodSeconds"] * readiness["failureThreshold"]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_keeps_the_restricted_standard(name: str) -> None:
    spec = PODS[name]["spec"]
    [container] = spec["containers"]
    user, group = map(int, IMAGE.user.split(":"))
    pod, confined = spec["securityContext"], container["securityContext"]
    assert (pod["runAsNonRoot"], pod["runAsUser"], pod["runAsGroup"]) == (True, user, group)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert confined["capabilities"] == {"drop": ["ALL"]}
    assert confined["allowPrivilegeEscalation"] is False
    assert confined["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert {"cpu", "memory"} == set(container["resources"]["requests"])
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp"}


def test_the_commands_exist() -> None:
    import typer.main

    from todo.cli import app

    commands: Any = typer.main.get_command(app)
    [migrate] = PODS["migration.yaml"]["spec"]["containers"]
    assert migrate["args"] == ["db", "upgrade"]
    assert "upgrade" in commands.commands["db"].commands
    assert SERVER.get("args") is None
    assert IMAGE.cmd[0] in commands.commands


def _numbers(text: str) -> Iterator[int]:
    yield from (int(word) for word in text.split() if word.isdigit())


def test_the_number_of_connections_is_the_one_that_is_said() -> None:
    data = MANIFESTS["config.yaml"]["data"]
    pods = MANIFESTS["autoscaler.yaml"]["spec"]["maxReplicas"]
    wanted = pods * int(data["WORKERS"]) * int(data["POOL_SIZE"])
    assert wanted in _numbers((FOLDER / "config.yaml").read_text())

"""A strict parser of the Containerfile: an instruction or an option that it does not know is an error."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

HEALTHCHECK_OPTIONS = {"interval", "timeout", "start-period", "retries"}


class ContainerfileError(Exception):
    """The file cannot be read, and in which line."""


@dataclass(frozen=True)
class Step:
    """An instruction that changes files: RUN with a shell command, or COPY with its sources and its target."""

    kind: str
    words: tuple[str, ...]
    copied_from: str | None = None


@dataclass
class Stage:
    """A stage: what its FROM names, its steps, each with the settings that held then, and its last settings."""

    name: str
    parent: str
    steps: list[tuple[Step, dict[str, str], str]] = field(default_factory=list)
    """With the environment and the working directory at this place."""
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    cmd: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    health_options: dict[str, str] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)
    exposed: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"


def parse(text: str) -> dict[str, Stage]:
    """The stages by name, in their order. Raises ContainerfileError."""
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for instruction, rest in _instructions(text):
        if instruction == "FROM":
            current = _begin(rest, stages)
        elif current is None:
            raise ContainerfileError(f"{instruction} before the first FROM")
        else:
            _apply(current, instruction, rest, stages)
    return stages


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    found = []
    for line in filter(str.strip, joined.splitlines()):
        instruction, _, rest = line.partition(" ")
        if not re.fullmatch("[A-Z]+", instruction) or not rest.strip():
            raise ContainerfileError(f"not an instruction: {line}")
        found.append((instruction, rest.strip()))
    return found


def _begin(rest: str, stages: dict[str, Stage]) -> Stage:
    found = re.fullmatch(r"(\S+) AS ([a-z-]+)", rest)
    if not found or found[2] in stages:
        raise ContainerfileError(f"FROM {rest}: every stage has a name of its own")
    stage = Stage(found[2], found[1])
    if parent := stages.get(found[1]):
        for name in ("workdir", "user", "stop_signal"):
            setattr(stage, name, getattr(parent, name))
        for name in ("entrypoint", "cmd", "healthcheck", "volumes", "exposed"):
            setattr(stage, name, list(getattr(parent, name)))
        for name in ("env", "labels", "health_options"):
            setattr(stage, name, dict(getattr(parent, name)))
    stages[stage.name] = stage
    return stage


def _apply(stage: Stage, instruction: str, rest: str, stages: dict[str, Stage]) -> None:
    match instruction:
        case "RUN":
            if rest.startswith(("-", "[")):
                raise ContainerfileError(f"RUN {rest}: options and exec form are not known here")
            stage.steps.append((Step("RUN", (rest,)), dict(stage.env), stage.workdir))
        case "COPY":
            stage.steps.append((_copy(rest, stages), dict(stage.env), stage.workdir))
        case "ENV":
            stage.env.update(_pairs(rest))
        case "LABEL":
            stage.labels.update(_pairs(rest))
        case "WORKDIR" if rest.startswith("/"):
            stage.workdir = rest
            stage.steps.append((Step("WORKDIR", (rest,)), dict(stage.env), "/"))
        case "USER" if re.fullmatch(r"\d+:\d+", rest):  # a number, so that an orchestrator can see that it is not root
            stage.user = rest
        case "ENTRYPOINT":
            stage.entrypoint, stage.cmd = _exec_form(rest), []
        case "CMD":
            stage.cmd = _exec_form(rest)
        case "VOLUME":
            stage.volumes += _exec_form(rest)
        case "EXPOSE" if rest.isdigit():
            stage.exposed.append(rest)
        case "STOPSIGNAL" if re.fullmatch("SIG[A-Z]+", rest):
            stage.stop_signal = rest
        case "HEALTHCHECK":
            options, separator, command = rest.partition(" CMD ")
            given = dict(re.findall(r"--([a-z-]+)=(\S+)", options))
            if not separator or set(given) - HEALTHCHECK_OPTIONS:
                raise ContainerfileError(f"HEALTHCHECK {rest}")
            stage.healthcheck, stage.health_options = _exec_form(command.strip()), given
        case _:
            raise ContainerfileError(f"{instruction} {rest}: not known here")


def _copy(rest: str, stages: dict[str, Stage]) -> Step:
    words = shlex.split(rest)
    options = [word for word in words if word.startswith("--")]
    source = None
    for option in options:
        name, _, source = option.partition("=")
        if name != "--from" or source not in stages:
            raise ContainerfileError(f"COPY {option}: only --from, with a stage above")
    paths = [word for word in words if word not in options]
    if len(paths) < 2 or any("*" in path or ".." in Path(path).parts for path in paths):
        raise ContainerfileError(f"COPY {rest}")
    return Step("COPY", tuple(paths), source)


def _pairs(rest: str) -> dict[str, str]:
    pairs = [word.partition("=") for word in shlex.split(rest)]
    if not all(separator for _, separator, _ in pairs):
        raise ContainerfileError(f"not NAME=value: {rest}")
    return {name: value for name, _, value in pairs}


def _exec_form(rest: str) -> list[str]:
    try:
        words = json.loads(rest)
    except json.JSONDecodeError:
        raise ContainerfileError(f"not in exec form: {rest}") from None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ContainerfileError(f"not in exec form: {rest}")
    return words

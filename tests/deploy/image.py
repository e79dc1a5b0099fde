"""Builds the stages of a Containerfile as folders, without a container engine, and runs what they contain.

debootstrap makes what `debian:bookworm-slim` contains: a minimal Debian 12. Each RUN is run there by chroot, each COPY
copies. What differs from an engine: no layers, no cgroup limits, no seccomp profile, the network of this machine.
This machine's settings of apt and pip are used at run time, and leave nothing in the folders.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.deploy.containerfile import Stage, Step

SUITE = "bookworm"
BASE = f"debian:{SUITE}-slim"
NEEDED = ("debootstrap", "unshare", "chroot", "setpriv")

DEVICES = "mount --rbind /dev {root}/dev && mount -t proc proc {root}/proc"
ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> str | None:
    """Why no image can be built here, or None."""
    absent = [name for name in NEEDED if not shutil.which(name)]
    if os.geteuid():
        return "needs root, to change roots"
    if absent:
        return f"needs {' and '.join(absent)} (apt-get install)"
    return None if mirror() else f"needs a mirror of Debian {SUITE} in apt's sources"


def mirror() -> str | None:
    """The mirror of Debian that apt on this machine uses."""
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(file.read_text() for file in sources if file.suffix in {".list", ".sources"} and file.is_file())
    one_line = re.findall(rf"^deb (?:\[[^]]*\] )?(\S+) {SUITE} ", text, re.MULTILINE)
    text = re.sub("^#.*\n", "", text, flags=re.MULTILINE)
    stanzas = re.findall(rf"^URIs: (\S+)\nSuites: (?:.* )?{SUITE}(?: |$)", text, re.MULTILINE)
    return next(iter([*stanzas, *one_line]), None)


class Images:
    """The stages that were built so far, each a folder below this one."""

    def __init__(self, folder: Path, context: Path, stages: dict[str, Stage]) -> None:
        self._folder = folder
        self._context = context
        self._stages = stages
        self._host = Host(folder / "host")

    def build(self, name: str) -> Path:
        """The root folder of a stage, which is made where it is not there yet."""
        stage, root = self._stages[name], self._folder / name
        if root.exists():
            return root
        if stage.parent in self._stages:
            copy_tree(self.build(stage.parent), root)
        else:
            assert stage.parent == BASE, stage.parent
            subprocess.run(
                ["debootstrap", "--variant=minbase", SUITE, root, mirror() or ""],
                check=True, stdout=subprocess.DEVNULL, timeout=300,
            )  # fmt: skip
        for step, env, workdir in stage.steps:
            self._do(step, root, env, workdir)
        return root

    def _do(self, step: Step, root: Path, env: dict[str, str], workdir: str) -> None:
        match step.kind:
            case "RUN":
                self._host.run(root, step.words[0], env, workdir)
            case "WORKDIR":
                inside(root, step.words[0]).mkdir(parents=True, exist_ok=True)
            case "COPY":
                source = self.build(step.copied_from) if step.copied_from else self._context
                *names, to = step.words
                target = inside(root, str(Path(workdir, to)))
                for name in names:
                    copy(inside(source, name), target / Path(name).name if to.endswith("/") else target)


def inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def copy(source: Path, target: Path) -> None:
    """As COPY does: the content of a folder, or a file; what .dockerignore leaves out has been left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        target.mkdir(exist_ok=True)
        subprocess.run(["cp", "-a", f"{source}/.", target], check=True)
    else:
        shutil.copy(source, target)
    subprocess.run(["chown", "-R", "0:0", target], check=True)


def copy_tree(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)


class Host:
    """What of this machine a RUN needs: names of hosts, apt's ways to its mirror, pip's indexes and files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._folders: set[Path] = set()
        """Folders of pip's, which are mounted at the same paths, since the links of an index may lead out of it."""
        self._variables = {name: self._moved(value) for name, value in os.environ.items() if name.startswith("PIP_")}
        self._variables |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        listed = subprocess.run(
            ["python3", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
        ).stdout
        options = re.findall(r"^global\.(\S+?)=(.*)$", listed, re.MULTILINE)
        lines = [f"{name} = {self._moved(shlex.split(value)[0])}" for name, value in options]
        (folder / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))
        acquire = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True).stdout
        wanted = re.findall(r"^Acquire::(?:https?|Check-\w+)\b.*;$", acquire, re.MULTILINE)
        (folder / "apt.conf").write_text("\n".join([*wanted, 'Dpkg::Options "--force-unsafe-io";']) + "\n")

    def _moved(self, value: str) -> str:
        """A value with the files that it names copied to where a RUN finds them; its folders are noted."""
        for name in re.findall(r"/[\w./-]+", value):
            if Path(name).is_dir():
                self._folders.add(Path(*Path(name).parts[:3]))
            elif Path(name).is_file():
                shutil.copy(name, self._folder)
                value = value.replace(name, f"/run/{Path(name).name}")
        return value

    def run(self, root: Path, command: str, env: dict[str, str], workdir: str) -> None:
        """A RUN as root, in mount namespaces of its own. Raises an AssertionError with what it printed."""
        places = [Path("/etc/resolv.conf"), Path("/etc/hosts"), *sorted(self._folders)]
        made = [made for path in places for made in _make_place(path, inside(root, str(path)))]
        mounts = [DEVICES.format(root=root), f"mount -t tmpfs tmpfs {root}/run", f"cp {self._folder}/* {root}/run/"]
        mounts += [f"mount --bind {path} {inside(root, str(path))}" for path in places]
        own = {"PATH": ROOT_PATH, "HOME": "/root", "PIP_CONFIG_FILE": "/run/pip.conf", "APT_CONFIG": "/run/apt.conf"}
        variables = {**own, **self._variables, **env}
        shell = ["chroot", str(root), "/usr/bin/env", "-i", "-C", workdir]
        shell += [*(f"{name}={value}" for name, value in variables.items()), "/bin/sh", "-c", command]
        script = " && ".join([*mounts, f"exec {shlex.join(shell)}"])
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=300, check=False
        )
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        assert done.returncode == 0, f"RUN {command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def _make_place(path: Path, place: Path) -> list[Path]:
    """Make an empty file or folder to mount on, and what is above it; what was made, the highest first."""
    if place.exists():
        return []
    made = [each for each in reversed(place.parents) if not each.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.mkdir() if path.is_dir() else place.touch()
    return [*made, place]


class Container:
    """A process of an image, as an orchestrator with strict settings starts it.

    A read-only root with a tmpfs at /tmp, no capabilities, no new privileges, a PID namespace; the network is this
    machine's. `volume` is mounted at /data.
    """

    def __init__(self, root: Path, stage: Stage, *, volume: Path | None = None, **env: str) -> None:
        self._root, self._stage, self._volume = root, stage, volume
        self._env = {**stage.env, **env}

    def command(self, words: list[str]) -> list[str]:
        """The command that runs these words there."""
        root, (uid, gid) = self._root, self._stage.user.split(":")
        mounts = [f"mount --bind {root} {root}", f"mount -o remount,ro,bind {root}", DEVICES.format(root=root)]
        mounts += [f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp"]
        if self._volume is not None:
            mounts.append(f"mount --bind {self._volume} {root}/data")
        confine = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"]
        confine += ["--inh-caps=-all", "--bounding-set=-all"]
        inner = ["chroot", str(root), *confine, "env", "-i", "-C", self._stage.workdir]
        inner += [*(f"{name}={value}" for name, value in self._env.items()), *words]
        script = " && ".join([*mounts, f"exec {shlex.join(inner)}"])
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the image to its end."""
        return subprocess.run(self.command([*words]), capture_output=True, text=True, timeout=90, check=False)

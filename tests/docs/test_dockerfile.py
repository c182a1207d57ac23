"""The Dockerfile and the commands that use it fit the project; no docker is needed."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import pytest

from patina.cli.main import parsed
from test_wheel import BUILT_FROM

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    """Return the arguments of every instruction of one name."""
    lines = re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()
    return [line.removeprefix(f"{name} ").strip() for line in lines if line.startswith(f"{name} ")]


def copied() -> list[str]:
    return [source for line in instructions("COPY") for source in line.split()[:-1]]


def docker_lines() -> list[list[str]]:
    """Return the words of every docker command that the page shows."""
    code = "\n".join(re.findall(r"```\n(.*?)```", PAGE, re.S))
    return [shlex.split(line, comments=True) for line in code.splitlines() if line.startswith("docker ")]


def test_it_knows_every_instruction_of_the_file():
    known = {"FROM", "ARG", "WORKDIR", "COPY", "RUN", "ENV", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    lines = [line for line in re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines() if line and not line.startswith("#")]
    assert {line.split()[0] for line in lines} == known
    assert lines[0].startswith("FROM ")
    assert instructions("STOPSIGNAL") == ["SIGINT"]  # Python as process 1 ignores the usual SIGTERM


def test_it_copies_what_the_package_is_built_from():
    assert set(copied()) == set(BUILT_FROM)
    assert [source for source in copied() if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("source", copied())
def test_what_it_copies_is_sent_to_the_builder(source):
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    last = [line for line in lines if line and line[0] != "#" and fnmatch(source, line.lstrip("!"))][-1]
    assert last == f"!{source}"


def test_its_python_is_one_of_those_that_are_supported():
    [image] = instructions("FROM")
    low, high = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', PROJECT).groups()
    assert int(low) <= int(re.fullmatch(r"python:3\.(\d+)-slim", image).group(1)) < int(high)


def test_it_installs_every_extra_but_those_for_development():
    listed = re.search(r"\[project.optional-dependencies\]\n(.*?)\n\[", PROJECT, re.S).group(1)
    extras = set(re.findall(r"^(\w+) = \[", listed, re.M)) - {"dev", "docs"}
    [given] = re.findall(r'install --no-cache-dir "\.\[([\w,]+)\]"', DOCKERFILE)
    assert set(given.split(",")) == extras


def test_it_runs_patina_and_takes_torch_for_cpus_by_default():
    assert instructions("ENTRYPOINT") == ['["patina"]']
    assert 'patina = "patina.cli.main:main"' in PROJECT
    assert instructions("ARG") == ["TORCH=cpu"]
    assert "--index-url https://download.pytorch.org/whl/${TORCH} -r torch.txt" in DOCKERFILE


def test_it_takes_torch_and_torchvision_from_their_own_index_alone():
    [wanted] = re.findall(r"grep -E '(.*)' requirements.txt > torch.txt", DOCKERFILE)
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [re.split("[><=]", line)[0] for line in lines if re.search(wanted, line)] == ["torch", "torchvision"]
    assert "--extra-index-url" not in DOCKERFILE


def test_the_page_uses_arguments_that_there_are():
    given = re.findall(r"--build-arg (\w+)=", PAGE)
    assert given
    assert {f"{name}=" for name in given} <= {line[: line.index("=") + 1] for line in instructions("ARG")}


def test_the_commands_of_the_page_are_patinas():
    runs = [words for words in docker_lines() if words[1] == "run"]
    assert len(runs) == 3
    for words in runs:
        assert f"$PWD:{instructions('WORKDIR')[-1]}" in words
        command, *others = words[words.index("patina") + 1 :]
        assert parsed(command, others)

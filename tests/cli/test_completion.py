"""How a shell completes commands, flags, values and names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patina.cli.candidates import candidates
from patina.cli.commands import COMMANDS
from patina.cli.completion import SCRIPTS
from patina.cli.main import main

CODE = Path(__file__).parents[2] / "code"
BASH = shutil.which("bash")


def test_commands():
    assert set(COMMANDS) < set(candidates([""]))
    assert candidates(["fi"]) == ["fit", "fidelity"]
    assert candidates(["help", "fit"]) == ["fit"]
    assert candidates(["nothing", ""]) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_flags_of_every_command(command):
    assert "--help" in candidates([command, "--"])
    assert {"-quiet", "--quiet"} & set(candidates([command, "-"]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "-opt", "DnCNN-"], ["DnCNN-polyu", "DnCNN-toy"]),
        (["train", "--opt", "SR-d"], ["SR-demo"]),
        (["train", "--dry"], ["--dry-run"]),
        (["fit", "CLEAN", "REAL", "-sc"], ["-scale"]),
        (["fit", "CLEAN", "REAL", "--sc"], ["--scale"]),
        (["fit", "CLEAN", "REAL", "-recipe", "cam"], ["camera", "camera-lines"]),
        (["fit", "CLEAN", "REAL", "-learn", "lud"], ["ludvae", "ludif"]),
        (["degrade", "web"], ["web-photo"]),
        (["degrade", "-seed", "1", "web"], ["web-photo"]),
        (["degrade", "web-photo", ""], []),
        (["degrade", "web-photo", "-gt", "gt", ""], []),
        (["recipes", "-copy", "raw"], ["raw-camera"]),
        (["configs", "--copy", "LapSRN-x2-"], ["LapSRN-x2-bsds500"]),
        (["upscale", "-model", "bi"], ["bilinear", "bicubic"]),
        (["upscale", "-device", "c"], ["cpu", "cuda"]),
        (["upscale", "-recursive", "-device", "m"], ["mps"]),
        (["gap", "-cameras", "film", "ph"], ["phone"]),
        (["prepare", "-mode", "t"], ["tiles"]),
        (["convert", ""], []),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["schema", "rec"], ["recipe"]),
        (["evaluate", "-set", "a", "b", "c", "-space", "r"], ["rgb"]),
        (["train", "-opt", "SR-demo", ""], []),
    ],
)
def test_what_the_last_word_may_become(words, expected):
    assert candidates(words) == expected


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_command_prints_the_script(shell, capsys):
    assert main(["completion", shell]) == 0
    printed = capsys.readouterr().out
    assert printed == SCRIPTS[shell]
    assert "__complete" in printed
    if path := shutil.which(shell):
        subprocess.run([path, "-n"], input=printed, text=True, check=True)


@pytest.fixture
def program(tmp_path) -> Path:
    """Write a program `patina` for the PATH; it says if it loads more than the standard library."""
    path = tmp_path / "patina"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(CODE)!r})\nfrom patina.cli.main import main\n"
        "code = main()\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'yaml', 'cv2', 'PIL'} & set(sys.modules)\n"
        "print(*heavy, sep='\\n', end='')\nsys.exit(code)\n"
    )
    path.chmod(0o755)
    return path


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fi"], ["fit", "fidelity"]),
        (["train", "-opt", "DnCNN-"], ["DnCNN-polyu", "DnCNN-toy"]),
        (["translate", "--hea"], ["--heat"]),
        (["degrade", "./in"], []),
    ],
)
def test_bash_completes(words, expected, program, tmp_path):
    typed = " ".join(f"'{word}'" for word in words)
    script = f"""
        source <(patina completion bash)
        complete -p patina >&2
        COMP_WORDS=(patina {typed}); COMP_CWORD={len(words)}
        _patina patina
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [BASH, "-c", script], env=environment, capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.split() == expected
    assert done.stderr == "complete -o bashdefault -o default -F _patina patina\n"

"""TAB, in a real bash."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from handkit.cli import COMMANDS, main

ASK = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_tyro_handkit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "handkit.bash"
    with pytest.MonkeyPatch.context() as patch, path.open("w", encoding="utf-8") as file:
        patch.setattr("sys.stdout", file)
        with pytest.raises(SystemExit) as ended:
            main(["completion", "bash"])
        assert not ended.value.code
    return path


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("handkit li", {"live"}),
        ("handkit live --s", {"--source", "--send"}),
        ("handkit live --handedness ''", {"auto", "left", "right"}),
        ("handkit predict x.png --ba", {"--backend"}),
        ("handkit data ''", {"-h", "--help", "check", "pack", "show", "verify"}),
        ("handkit data pack nyu --cen", {"--centers"}),
        ("handkit ''", {"-h", "--help", *COMMANDS}),
    ],
)
def test_tab_in_bash(script: Path, words: str, expected: set[str]) -> None:
    asked = ASK.format(script=script, words=words)
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("command", COMMANDS)
def test_after_two_dashes_there_are_options_alone(script: Path, command: str) -> None:
    """A help of two lines would be offered by its second."""
    asked = ASK.format(script=script, words=f"handkit {command} --")
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    offered = done.stdout.splitlines()
    assert offered
    assert all(re.fullmatch(r"--[a-z0-9-]+", each) for each in offered), offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", shell])
    assert "handkit" in capsys.readouterr().out

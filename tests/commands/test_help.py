import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from agent.interpret import interpret
from agent.statements.flags import FLAGS
from catalogs.catalog import Catalog
from commands import main
from commands.failures import MEANING, Exit
from commands.help import ENVIRONMENT, TABLES, Topic, topics
from commands.man_page import man_page
from commands.program import COMMANDS, app
from tests.architecture import files_of
from tests.commands.conftest import Program
from tests.every import of_every

ROOT = Path(__file__).parents[2]
CATALOG = Catalog.load()
OF_THE_SYSTEM = {"TERM", "COLORTERM", "OPENBLAS_NUM_THREADS"}
"""Variables that people do not set for us."""


@of_every(topics().values(), lambda topic: topic.name)
def test_what_a_topic_says_can_be_said(topic: Topic) -> None:
    for sentence in topic.sentences:
        reading = interpret(sentence, CATALOG, known={})
        assert (reading.unused, reading.objections) == ((), ()), sentence
        assert reading.values, sentence
    assert not topic.panel or topic.panel in FLAGS
    for flag in re.findall(r"--[a-z-]+", topic.text):
        assert flag in man_page().replace("\\-", "-"), flag


@pytest.mark.parametrize("command", [command for topic in topics().values() for command in topic.commands])
def test_what_a_topic_runs_can_be_run(command: str, fleetcast: Program) -> None:
    program, *arguments = shlex.split(command)
    assert (program, fleetcast(*arguments).code) == ("fleetcast", 0)


def test_help_shows_topics_commands_words_and_tables(fleetcast: Program) -> None:
    contents = fleetcast("help").out
    assert all(name in contents for name in (*topics(), *TABLES))
    assert "--peak-multiplier" in fleetcast("help", "traffic").out
    assert "Usage: fleetcast plan diff" in fleetcast("help", "plan", "diff").out
    assert "first token" in fleetcast("help", "ttft").out
    assert "nothing meets" in fleetcast("help", "exit", "codes").out
    assert "did you mean money?" in fleetcast.refusal("help", "regions")
    assert "did you mean traffic?" in fleetcast.refusal("help", "trafic")


def test_every_exit_code_has_its_meaning() -> None:
    assert set(MEANING) == set(Exit)


def test_every_variable_that_is_heeded_is_named() -> None:
    named = {name for names in ENVIRONMENT for name in names.split(", ")}
    read = re.compile(r"""environ(?:\.get\(|\.setdefault\(|\[)"([A-Z_]+)\"""")
    heeded = {name for file in files_of(ROOT) for name in read.findall(file.read_text(encoding="utf-8"))}
    assert heeded - OF_THE_SYSTEM <= named
    assert "NO_COLOR" in heeded


def test_the_manual_page_has_every_command_and_option_and_roff_takes_it() -> None:
    page = man_page()
    plain = page.replace("\\-", "-")
    assert page.isascii()
    program = typer.main.get_command(app)
    context = typer.Context(program, info_name="fleetcast")
    for name in COMMANDS:
        command = program.resolve_command(context, [name])[1]
        assert f'.SS "fleetcast {name}' in plain
        for option in (one for one in command.params if one.param_type_name == "option"):
            assert f"\\fB{', '.join(option.opts)}\\fR" in plain, option.opts
    for line in page.splitlines():
        assert not line.startswith((".", "'")) or re.match(r"\.(TH|SH|SS|TP|PP|IP|B|nf|fi)\b", line), line


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("fore", {"forecast"}),
        ("forecast --gpu-t", {"--gpu-type"}),
        ("forecast --gpu-type h100-s", {"h100-sxm-80gb", "h100-sxm-96gb"}),
        ("forecast --gpu-type l4,MI300", {"l4,MI300x", "l4,MI300a"}),
        ("forecast --provider azure --region westeu", {"westeurope"}),
        ("forecast --model llama-3.1-8", {"llama-3.1-8b"}),
        ("compare --term res", {"reserved_1y", "reserved_3y"}),
        ("catalog presets cha", {"chat"}),
        ("estimate --models qwen3-32", {"qwen3-32b"}),
        ("config set gpu-t", {"gpu-type"}),
        ("config set provider a", {"aws", "azure"}),
        ("help exit", {"exit-codes"}),
        ("plans op", {"open"}),
    ],
)
def test_shells_complete_commands_options_and_names(
    words: str, offered: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As bash asks: by the variables that typer's script sets."""
    line = f"fleetcast {words}"
    monkeypatch.setenv("_FLEETCAST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    with pytest.raises(SystemExit) as ended:
        main([])
    assert (ended.value.code, set(capsys.readouterr().out.split())) == (0, offered)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str, tmp_path: Path) -> None:
    """In a process of its own, which finds out that it is that shell's."""
    code = (
        "import shellingham, sys; from commands import main\n"
        f"shellingham.detect_shell = lambda: ({shell!r}, {shell!r}); main(['--install-completion'])"
    )
    home = os.environ | {"HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=home, capture_output=True, text=True, check=False)
    scripts = [file for file in tmp_path.rglob("*fleetcast*") if file.is_file()]
    assert (run.returncode, len(scripts)) == (0, 1), run
    assert f"_FLEETCAST_COMPLETE=complete_{shell}" in scripts[0].read_text()


def test_quiet_says_nothing_beside_the_answer_but_what_is_not_in_it(fleetcast: Program) -> None:
    sentence = "Llama 3.1 8B on H100, 2 rps, 300 in, 100 out, and a pony"
    loud, quiet = fleetcast("forecast", sentence), fleetcast("forecast", sentence, "--quiet")
    assert "Not used" in loud.err
    assert (quiet.err, quiet.out) == ("Not used: pony.\n", loud.out)
    assert fleetcast("-q", "forecast", sentence).err == quiet.err
    assert fleetcast("-q", "forecast", sentence.partition(", and")[0]).err == ""
    assert "Not used" in fleetcast("forecast", sentence).err
    refused = fleetcast("optimize", "Llama 3.1 8B, 100 rps, 1500 in, 300 out, at most 1 GPU", "-q")
    assert (refused.code, refused.err[:25]) == (3, "Nothing meets the targets")

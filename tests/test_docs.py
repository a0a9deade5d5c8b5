"""The documentation says what the program does: every verb, option, setting, error and link.

``python tests/test_docs.py`` writes the settings tables of docs/cli.md anew.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from suwen.core.sample import Samples
from suwen.core.task import Task
from suwen.engines.image.settings import ImageSettings
from suwen.engines.panel.settings import PanelSettings
from suwen.lifecycle.settings import Common

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TABLES: dict[str, type[BaseModel]] = {
    "life cycle": Common,
    "image engine": ImageSettings,
    "panel": PanelSettings,
}
EXAMPLES = [ROOT / "examples" / f"{name}_task.py" for name in ("lung_ct", "hospital_death")]
"""In the order in which the tutorial prints them."""


def _range(field: dict[str, Any]) -> str:
    """What values a setting takes, from its JSON schema."""
    if "anyOf" in field:
        return " or ".join(_range(choice) for choice in field["anyOf"])
    if field.get("type") == "null":
        return "`null`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field["type"] == "boolean":
        return "`true`, `false`"
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    return " ".join(
        [{"string": "text", "integer": "whole number", "number": "number"}[field["type"]], *bounds]
    )


def table(model: type[BaseModel]) -> str:
    """The settings of one model as a Markdown table."""
    lines = ["| setting | default | values | means |", "|---|---|---|---|"]
    for name, field in model.model_json_schema()["properties"].items():
        default = json.dumps(field["default"]).strip('"')
        lines.append(f"| `{name}` | `{default}` | {_range(field)} | {field['description']} |")
    return "\n".join(lines)


def _block(name: str) -> re.Pattern[str]:
    return re.compile(f"(<!-- settings: {name} -->\n)(.*?)(\n<!-- end -->)", re.S)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_setting_is_documented_as_it_is(name: str) -> None:
    found = _block(name).search((DOCS / "cli.md").read_text("utf-8"))
    assert found, f"docs/cli.md has no table for the {name}"
    assert found[2] == table(TABLES[name]), "run: python tests/test_docs.py"


def _verbs() -> dict[str, list[str]]:
    """Every verb and its own options; ``records import`` is one."""
    from suwen.cli.main import app

    return dict(_below(typer.main.get_command(app), ""))


def _below(group: Any, prefix: str) -> Iterator[tuple[str, list[str]]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(command, f"{prefix}{name} ")
        else:
            options = [option for parameter in command.params for option in parameter.opts]
            yield prefix + name, [option for option in options if option.startswith("--")]


def test_every_verb_and_option_is_documented_and_no_other() -> None:
    text = (DOCS / "cli.md").read_text("utf-8")
    sections = dict(re.findall(r"^### `suwen ([a-z]+(?: [a-z]+)*).*?`\n(.*?)(?=^##)", text, re.M | re.S))
    verbs = _verbs()
    assert sorted(sections) == sorted(verbs)
    for verb, options in verbs.items():
        written = set(re.findall(r"`(--[\w-]+)", sections[verb]))
        assert set(options) - {"--help", "--json"} <= written, f"options of {verb}"
        assert written <= {*options, "--json"} | {f"--no-{o[2:]}" for o in options}, f"options of {verb}"


def _codes(tree: ast.AST) -> Iterator[str]:
    """Codes that a module gives to an error, an abstention or an unusable record."""
    for node in ast.walk(tree):
        values: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        elif (
            isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == "code" for t in node.targets)
        ) or (
            isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "code"
        ):
            values = [node.value]
        for value in values:
            for part in ast.walk(value) if value is not None else ():
                if isinstance(part, ast.Constant) and re.fullmatch(r"[a-z][a-z0-9-]+", str(part.value)):
                    yield str(part.value)


def test_every_error_code_is_documented_and_no_other() -> None:
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "src").rglob("*.py")]
    raised = {code for tree in trees for code in _codes(tree)}
    words = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    rows = re.findall(r"^\| (`[a-z0-9`, -]+`) \|", (DOCS / "errors.md").read_text("utf-8"), re.M)
    written = {code for row in rows for code in re.findall(r"`([a-z0-9-]+)`", row)}
    assert len(raised) > 60
    assert sorted(raised - written) == [], "codes that docs/errors.md does not explain"
    assert sorted(written - words) == [], "codes that nothing raises"


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        text = page.read_text("utf-8")
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"https?:|mailto:", target):
                continue
            path, _, anchor = target.partition("#")
            place = (page.parent / path) if path else page
            assert place.exists(), f"{page.relative_to(ROOT)} -> {target}"
            if anchor and place.suffix == ".md":
                heads = re.findall(r"^#+ (.+)$", place.read_text("utf-8"), re.M)
                names = {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}
                assert anchor in names, f"{page.relative_to(ROOT)} -> {target}"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_name_the_two_commands_and_what_this_is_not(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "make demo" in text
    assert "make test" in text
    assert "CC BY 4.0" in text
    for verb in ("collect", "train", "evaluate", "deploy", "predict", "explain", "serve"):
        assert f"suwen {verb} " in text, verb
    assert "Not a diagnosis" in text or "不是诊断" in text


def test_the_readmes_show_only_verbs_and_options_that_exist() -> None:
    verbs = _verbs()
    for page in PAGES:
        for block in re.findall(r"^```\w*\n(.*?)^```|^((?:    .+\n)+)", page.read_text("utf-8"), re.M | re.S):
            for line in "".join(block).splitlines():
                words = line.partition("#")[0].split()
                if len(words) < 2 or words[0] != "suwen" or words[1].startswith("-"):
                    continue
                text = " ".join(words[1:]) + " "
                verb = next((verb for verb in verbs if text.startswith(f"{verb} ")), None)
                assert verb is not None, f"{page.name}: {line}"
                known = {*verbs[verb], "--json"}
                used = {word for word in words if word.startswith("--")}
                assert used <= known, f"{page.name}: {line}"


@pytest.mark.parametrize("path", sorted((DOCS / "adr").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_record_is_complete_and_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.match(rf"# {int(path.name[:4])}\. ", text)
    parts = ["**Status.**", "**Context.**", "**Decision.**", "**Consequences.**"]
    assert [text.count(part) for part in parts] == [1, 1, 1, 1]
    assert len(text.splitlines()) <= 40


@pytest.fixture(scope="module")
def tutorial() -> dict[str, Task]:
    """The tasks of the tutorial, made by running the code that the tutorial prints."""
    text = (DOCS / "tutorial-new-task.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    found: dict[str, Task] = {}
    for code, path in zip(blocks, EXAMPLES, strict=True):
        assert code == path.read_text("utf-8"), f"the tutorial and {path.name} differ"
        assert len(code.splitlines()) <= 50
        names: dict[str, Any] = {}
        exec(compile(code, path.name, "exec"), names)  # noqa: S102 (our own page)
        found[names["task"].name] = names["task"]
    return found


def test_the_tutorials_task_reads_real_slices(tutorial: dict[str, Task], data_dir: Path) -> None:
    found = tutorial["imaging.lung_ct"].collect(str(data_dir / "imaging" / "lungct_iqoth"))
    assert isinstance(found, Samples)
    targets = [sample.target for sample in found]
    assert (targets.count("malignant"), targets.count("not malignant"), len(targets)) == (200, 226, 426)
    assert not found.unusable
    assert not found.subjects_known


def test_the_tutorials_table_is_learned_from_beside_the_published_score(
    tutorial: dict[str, Task], data_dir: Path, tmp_path: Path
) -> None:
    from suwen.core.engine import Parts
    from suwen.engines.panel import PanelTask, engine
    from suwen.engines.panel.criterion import auroc
    from suwen.engines.panel.units import one_each
    from suwen.lifecycle.collect import silent

    task = tutorial["signals.hospital_death"]
    assert isinstance(task, PanelTask)
    found = task.collect(str(data_dir / "signals" / "survival" / "support2.csv"))
    assert isinstance(found, Samples)
    targets = [sample.target for sample in found]
    assert (targets.count("died"), len(targets)) == (1865, 7241)
    assert found.subjects_known
    assert "slos" in " ".join(found.notes), "the length of stay is passed over"
    assert found.integrity["by_variable"]["impossible"]["hrt"] == 73
    some = tuple(found)[:1500]
    fitted = engine.fit(
        task,
        Parts(train=some[:1200], validation=some[1200:], groups=tuple(s.subject_id for s in some)),
        engine.settings({"learners": "apache,logistic", "folds": 2}),
        tmp_path,
        seed=0,
        progress=silent,
    )
    units = one_each(fitted.samples, task.endpoint, task.endpoint.classes)
    published = auroc(fitted.baselines["apache"], units)
    assert 0.7 < published < auroc(fitted.logits, units)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("imaging.lung_ct", "imaging/lungct_iqoth", ("226", "200")),
        ("signals.hospital_death", "signals/survival/support2.csv", ("5376", "1865")),
    ],
)
def test_the_tutorials_tasks_are_found_by_their_entry_point(
    name: str, data: str, told: tuple[str, ...], tutorial: dict[str, Task], data_dir: Path, tmp_path: Path
) -> None:
    package = tmp_path / "site"
    about = package / "your_package-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: your-package\nVersion: 1.0\n")
    example = next(path for path, one in zip(EXAMPLES, tutorial, strict=True) if one == name)
    (about / "entry_points.txt").write_text(f"[suwen.tasks]\n{name} = {example.stem}:task\n")
    (package / example.name).write_text(example.read_text("utf-8"))
    environment = os.environ | {"PYTHONPATH": str(package), "SUWEN_HOME": str(tmp_path / "home")}

    def suwen(*words: str) -> Any:
        program = [sys.executable, "-c", "from suwen.cli.main import main; main()", *words, "--json"]
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert name in {task["name"] for task in suwen("tasks")["tasks"]}
    audit = suwen("collect", name, "--from", str(data_dir / data), "--no-probe")
    assert audit["task"] == name
    text = json.dumps(audit["labelled"])
    assert all(count in text for count in told)


if __name__ == "__main__":
    page = DOCS / "cli.md"
    content = page.read_text("utf-8")
    for title, model in TABLES.items():
        content = _block(title).sub(lambda found, m=model: found[1] + table(m) + found[3], content)
    page.write_text(content, "utf-8")

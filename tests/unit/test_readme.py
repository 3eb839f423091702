"""The README says nothing that is not there: commands, assets, folders, files, settings, make targets."""

import re
from pathlib import Path

import pytest

from orchestration.cli.lazy import COMMANDS, GRAPH_COMMANDS
from orchestration.definitions import build_definitions
from orchestration.settings import DOMAINS, PROJECT, Settings, load_settings

README = (PROJECT / "README.md").read_text()
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md")), PROJECT / "CHANGELOG.md"]


def mentioned(pattern: str, text: str = README) -> list[str]:
    return sorted(set(re.findall(pattern, text)))


@pytest.fixture(scope="module")
def commands() -> set[str]:
    return set(COMMANDS)


def test_every_command_in_the_documents_exists(commands: set[str]):
    for document in DOCUMENTS:
        named = mentioned(r"\bespalier (?!demo data)([a-z]+)\b(?=[^\n]*`|[^\n]*$)", _code(document.read_text()))
        assert set(named) <= commands, document
        graph = mentioned(r"\bespalier graph ([a-z]+)\b", _code(document.read_text()))
        assert set(graph) <= set(GRAPH_COMMANDS), document


def _code(text: str) -> str:
    """Keep what is set as code: prose may well say "espalier is"."""
    return "\n".join([*re.findall(r"```.*?```", text, re.DOTALL), *re.findall(r"`[^`\n]+`", text)])


def test_every_asset_in_the_documents_exists():
    graph = build_definitions(load_settings(domains=DOMAINS)).resolve_asset_graph()
    known = {key.to_user_string() for key in graph.get_all_asset_keys()}
    for document in DOCUMENTS:
        named = mentioned(r"`((?:behavior|community|lms|rag|platform|graph)/[a-z_]+)`", document.read_text())
        assert set(named) <= known, document


def test_every_link_and_picture_leads_somewhere():
    for document in DOCUMENTS:
        for target in mentioned(r"\]\(((?!http|#)[^)]+)\)", document.read_text()):
            assert (document.parent / target.partition("#")[0]).exists(), f"{document}: {target}"


def test_every_make_target_exists():
    targets = mentioned(r"^([a-z]+):", (PROJECT / "Makefile").read_text().replace("\n", "\n\n"))
    known = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(mentioned(r"`?make ([a-z]+)`?", _code(README))) <= known | set(targets)


def test_every_setting_in_the_documents_exists():
    for document in DOCUMENTS:
        for variable in mentioned(r"`(ESPALIER_[A-Z]+(?:_[A-Z]+)*)(?:__[A-Z_]+)?[`=]", document.read_text()):
            name = variable.removeprefix("ESPALIER_").lower()
            assert name in Settings.model_fields or name in ("config", "test_database_url"), f"{document}: {variable}"


@pytest.mark.parametrize("folder", mentioned(r"^\| `([a-z]+/)", README) or ["orchestration/"])
def test_every_folder_of_the_layout_exists(folder: str):
    assert (PROJECT / folder).is_dir()


def test_no_document_names_a_path_of_somebodys_machine():
    for document in DOCUMENTS:
        assert not re.search(r"(?:^|[\s`(])/(?:root|home|Users)/", document.read_text()), document


def test_the_documents_stand_where_they_should():
    assert Path(PROJECT / "docs" / "naming.md").is_file()
    assert sorted((PROJECT / "docs" / "adr").glob("0*.md"))

"""What the pages say can be checked: their links, the files, names and flags that they mention."""

import glob
import os
import re
import runpy

import pytest

import configs
import ptb_word_lm
import reader
import training
import util
from exported import layouts, signatures
from graphs import ROOT
from model import candidate_sampler, devices, lstm, network, precision, saved_layouts, softmax
from program import command_line, errors, messages, tensorflow_import
from saved import (
    checkpoints,
    newest_checkpoint,
    progress,
    reading,
    restoring,
    run_directory,
    run_identity,
)
from trained import generation, language_model, scoring, trained_model
from training import cluster, saves_and_signals, summaries

PAGES = [
    os.path.relpath(path, ROOT)
    for folder in ("", "docs", "benchmarks", "findings")
    for path in sorted(glob.glob(os.path.join(ROOT, folder, "*.md")))
]
SOURCES = [
    os.path.relpath(path, ROOT)
    for folder in (
        "",
        "data",
        "exported",
        "text",
        "model",
        "saved",
        "script_flags",
        "trained",
        "training",
        "program",
        "script_flags",
        "benchmarks",
        "findings",
        "tests",
    )
    for path in glob.glob(os.path.join(ROOT, folder, "*.py"))
]
MODULES = (
    (configs, ptb_word_lm, reader, training, util)
    + (saved_layouts, devices, lstm, network, precision, candidate_sampler, softmax)
    + (command_line, errors, messages, tensorflow_import)
    + (checkpoints, run_identity, newest_checkpoint, progress, reading, restoring, run_directory)
    + (trained_model, cluster, saves_and_signals, summaries)
    + (layouts, signatures)
    + (generation, language_model, scoring)
)
CURRENT_PAGES = [page for page in PAGES if page != "CHANGELOG.md"]
# What a name in the pages, such as `lstm.basic_cell`, is a part of.
OWNERS = {
    **{module.__name__.rpartition(".")[2]: module for module in MODULES},
    "PTBModel": ptb_word_lm.PTBModel,
    "CellStack": lstm.CellStack,
}
# Flags of other programs.
FOREIGN_FLAGS = {"logdir", "rest_api_port", "model_name", "model_base_path", "net", "dport"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def without_code(text):
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.sub(r"^    .*$", "", text, flags=re.MULTILINE)


def anchors(text):
    titles = re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(\s*([^)\s]+)\s*\)", read(page)):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        assert os.path.exists(os.path.join(ROOT, path)), target
        assert not anchor or anchor in anchors(read(path)), target


def test_the_page_of_questions_leads_to_each():
    targets = re.findall(r"\]\(([^)]+)\)", read("docs/questions.md"))
    others = [page for page in PAGES if page.startswith("docs") and "questions" not in page]
    for page in others:
        # A heading right above another has no text of its own.
        text = re.sub(r"^#+ .*\n\n(?=#)", "", read(page), flags=re.MULTILINE)
        titles = re.findall(r"^##+ .*$", without_code(text), re.MULTILINE)
        for anchor in anchors("\n".join(titles)):
            assert f"{os.path.basename(page)}#{anchor}" in targets


@pytest.mark.parametrize("page", CURRENT_PAGES)
def test_files_exist(page):
    for name in re.findall(r"`([\w./]+\.py)`", read(page)):
        assert any(f"/{path}".endswith(f"/{name}") for path in SOURCES), name


@pytest.mark.parametrize("page", CURRENT_PAGES)
def test_names_exist(page):
    for first, rest in re.findall(r"`(\w+)\.([\w.]+)(?:\(.*?\))?`", without_code(read(page))):
        value = OWNERS.get(first)
        for part in rest.split(".") if value and rest != "py" else ():
            assert hasattr(value, part), f"{first}.{rest}"
            value = getattr(value, part)


@pytest.mark.parametrize("page", CURRENT_PAGES)
def test_flags_exist(page):
    code = "".join(map(read, SOURCES))
    fields = vars(configs.SmallConfig())
    for flag in set(re.findall(r"--(\w+)", read(page))) - FOREIGN_FLAGS:
        assert flag in fields or re.search(rf"""["-]{flag.removeprefix("no")}["\n]""", code), flag


def test_the_readme_is_short():
    assert len(read("README.md").splitlines()) <= 150


def test_the_chart_is_that_of_its_observations():
    chart = runpy.run_path(os.path.join(ROOT, "findings", "tf1_today.py"))
    lines = "\n".join(chart["table"](chart["read_observations"]()))
    assert f"{chart['BEGIN']}{lines}\n{chart['END']}" in read("docs/tf1-today.md")

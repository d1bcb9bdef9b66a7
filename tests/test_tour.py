import os

import nbclient
import nbformat
import pytest

from graphs import ROOT, skip_without

PATH = os.path.join(ROOT, "docs", "tour.ipynb")
# What the notebook's text says of its pictures, in its own names.
CLAIMS = """
assert carried[-1, 1] < without[-1, 1]
assert whole[5] > 0 and not cut[:6].any() and cut[6:].all()
assert len(two.initial_state) == 2 * len(second["Train"].initial_state)
assert np.argmax([each.sum() for each in scores]) == 1 and len(tree.targets) < 21
assert np.allclose(there[0], scores[1], atol=1e-4)
assert old.words == model.words and all(np.array_equal(ours[name], theirs[name]) for name in ours)
assert memory["sea"].mean(axis=0)[layer, unit] * memory["farm"].mean(axis=0)[layer, unit] < 0
"""


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path))  # a home may be missing, and have other kernels
    return nbformat.read(PATH, as_version=4)


def test_the_tour_runs_and_shows_what_it_says(notebook):
    skip_without("onnx")
    notebook.cells.append(nbformat.v4.new_code_cell(CLAIMS))
    resources = {"metadata": {"path": os.path.dirname(PATH)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()


def test_the_tour_is_stored_as_it_ran_and_is_small(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert os.path.getsize(PATH) < 500_000

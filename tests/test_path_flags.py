import pytest

import shared
from program import path_flags, paths


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("expand", [paths.expand, shared.path])
def test_the_home_directory_is_expanded_where_a_path_begins_with_it(home, expand):
    assert expand("~/runs/x") == f"{home}/runs/x"
    for path in ("", "-", "x~", "a/~/b", "./~"):
        assert expand(path) == path
    with pytest.raises(Exception, match="there is no user nobody-of-that-name;"):
        expand("~nobody-of-that-name/runs")


def test_what_exists_under_a_name_with_commas_is_one_path(home):
    for name in ("lr=1,h=2", "a", "b"):
        (home / name).mkdir()
    (home / "a,b").mkdir()
    (home / "c,model.ckpt-1.index").touch()
    assert path_flags.split("") == []
    assert path_flags.split("lr=1,h=2") == ["lr=1,h=2"]
    assert path_flags.split("lr=1,h=2,b, c,model.ckpt-1") == ["lr=1,h=2", "b", "c,model.ckpt-1"]
    assert path_flags.split("b,a,b,none,~/a") == ["b", "a,b", "none", f"{home}/a"]
    assert path_flags.split("a,,") == ["a", "", ""]

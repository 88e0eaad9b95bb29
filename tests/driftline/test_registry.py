"""Names that are registered: ours, and those of installed packages."""

import pytest

from driftline.registry import NotInstalledError, Registry


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that announces a thing of its own, and one under a name of ours."""
    (tmp_path / "theirs.py").write_text("THING = 'theirs'\n")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[test.things]\nadded = theirs:THING\nours = theirs:THING\n")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("package")
def test_packages_add_names_and_take_none_of_ours():
    things = Registry("test.things", "thing", {"ours": "math:pi"})
    assert things.names == ("ours", "added")
    assert things.load_all() == {"ours": pytest.approx(3.14, abs=0.01), "added": "theirs"}


def test_what_is_not_installed_is_refused_with_what_is():
    with pytest.raises(NotInstalledError, match=r"thing `added` is not installed; there are ours: install"):
        Registry("test.things", "thing", {"ours": "math:pi"}).load("added")

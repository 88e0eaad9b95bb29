"""Names that are registered: ours, and those of installed packages."""

import pickle

import pytest

from driftline.registry import NotInstalledError, Registry, UnusableError


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package that announces things."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(package, announced):
        (tmp_path / f"{package}.py").write_text("THING = 'theirs'\n")
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[test.things]\n{announced}\n")

    return install


@pytest.fixture
def package(install):
    """An installed package that announces a thing of its own, and one under a name of ours."""
    install("theirs", "added = theirs:THING\nours = theirs:THING")


@pytest.mark.usefixtures("package")
def test_packages_add_names_and_take_none_of_ours():
    things = Registry("test.things", "thing", {"ours": "math:pi"})
    assert things.names == ("ours", "added")
    assert things.load_all() == {"ours": pytest.approx(3.14, abs=0.01), "added": "theirs"}


def test_what_is_not_installed_is_refused_with_what_is():
    with pytest.raises(NotInstalledError, match=r"thing `added` is not installed; there are ours: install"):
        Registry("test.things", "thing", {"ours": "math:pi"}).load("added")


@pytest.mark.usefixtures("package")
def test_who_announces_a_name_of_ours_is_told_once(caplog):
    things = Registry("test.things", "thing", {"ours": "math:pi"})
    things.load_all()
    things.load_all()
    (said,) = caplog.messages
    assert said.startswith(
        "theirs 1.0 announces the thing `ours`, which comes with driftline: driftline's own"
    )


def test_a_name_that_two_packages_announce_is_refused_when_it_is_used(install):
    install("b", "added = b:THING\nother = b:THING")
    install("a", "added = a:THING")
    things = Registry("test.things", "thing", {"ours": "math:pi"})
    assert things.names == ("ours", "added", "other")
    assert things.load("other") == "theirs"
    with pytest.raises(
        UnusableError, match=r"`added` is announced by a 1.0 and b 1.0: uninstall all of them"
    ):
        things.load("added")


@pytest.mark.parametrize(
    ("where", "raised"),
    [("nowhere:THING", "ModuleNotFoundError: No module named 'nowhere'"), ("c:NONE", "AttributeError: ")],
)
def test_what_cannot_be_imported_is_named_with_who_announces_it(install, where, raised):
    install("c", f"added = {where}")
    with pytest.raises(UnusableError) as caught:
        Registry("test.things", "thing", {}).load("added")
    said = str(caught.value)
    assert said.startswith(f"thing `added` cannot be used: {where} of c 1.0 raises {raised}")
    assert said.endswith(": repair, upgrade or uninstall c 1.0")
    assert str(pickle.loads(pickle.dumps(caught.value))) == said


def test_an_object_of_a_package_is_checked_and_one_of_ours_is_not(install):
    install("d", "added = d:THING")
    things = Registry("test.things", "thing", {"ours": "math:pi"}, lambda *found: (f"is {found}", "mend it"))
    assert things.load("ours") > 3
    with pytest.raises(UnusableError, match=r"`added` of d 1.0 is \('added', 'theirs'\): mend it"):
        things.load("added")


def test_what_a_package_needs_is_blamed_for_itself(install, tmp_path):
    install("e", "needed = nowhere:THING")
    needs = (
        "from driftline.registry import Registry as R\nTHING = R('test.things', 'thing', {}).load('needed')"
    )
    (tmp_path / "needy.py").write_text(needs)
    with pytest.raises(UnusableError, match=r"^thing `needed` cannot be used: nowhere:THING of e 1.0"):
        Registry("none", "other", {"needs": "needy:THING"}).load("needs")

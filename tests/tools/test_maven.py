"""Archives are fetched once, whole or not at all. Maven is a stand-in; the real one is in tests/engines."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from driftline.runners.cache import built_program
from tools.golang import go_program
from tools.maven import MissingProgramError, jars

MAVEN = """#!/bin/sh
for argument in "$@"; do case $argument in -DoutputDirectory=*) folder=${argument#*=};; esac; done
echo called >> "$CALLS"
echo first > "$folder/a.jar"
sleep 0.2
[ -z "$FAIL" ] || { echo "no route to Maven Central"; exit 1; }
echo second > "$folder/b.jar"
"""


@pytest.fixture
def maven(tmp_path, monkeypatch):
    """A Maven that copies two archives, and counts its calls."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"mvn": MAVEN, "java": "#!/bin/sh\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("DRIFTLINE_CACHE", str(tmp_path / "cache"))
    return programs


@pytest.fixture
def pom(tmp_path):
    path = tmp_path / "server" / "pom.xml"
    path.parent.mkdir()
    path.write_text("<project/>")
    return path


def calls(tmp_path) -> int:
    """How often Maven ran."""
    return len((tmp_path / "calls").read_text().splitlines())


def test_archives_are_fetched_once(maven, pom, tmp_path):
    folder = jars(pom)
    assert sorted(path.name for path in folder.iterdir()) == ["a.jar", "b.jar"]
    assert folder.parent == tmp_path / "cache" / "jars"
    assert folder.name.startswith("server-")
    assert jars(pom) == folder
    assert calls(tmp_path) == 1


def test_another_pom_has_another_folder(maven, pom):
    before = jars(pom)
    pom.write_text("<project><!-- another version --></project>")
    assert jars(pom, "below") != before
    assert jars(pom, "below").parent.name == "below"


def test_two_at_once_both_get_the_whole_folder(maven, pom):
    def ask(_) -> list[str]:
        return sorted(path.read_text() for path in jars(pom).iterdir())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [["first\n", "second\n"]] * 4


def test_a_failure_leaves_nothing_and_shows_what_maven_said(maven, pom, tmp_path, monkeypatch):
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(RuntimeError, match=r"(?s)could not fetch.*no route to Maven Central"):
        jars(pom)
    assert list((tmp_path / "cache" / "jars").iterdir()) == []
    monkeypatch.delenv("FAIL")
    assert jars(pom).is_dir()


@pytest.mark.parametrize(
    ("missing", "remedy"), [("mvn", "install Maven"), ("java", "install Java 17")], ids=["mvn", "java"]
)
def test_what_is_missing_is_named(maven, pom, monkeypatch, missing, remedy):
    (maven / missing).unlink()
    monkeypatch.setenv("PATH", str(maven))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(MissingProgramError, match=f"{missing} is not on the PATH: {remedy}"):
        jars(pom)


def test_nothing_is_missing_once_the_archives_are_there(maven, pom, monkeypatch):
    folder = jars(pom)
    monkeypatch.setenv("PATH", "")
    assert jars(pom) == folder


def test_go_is_asked_once_and_named_where_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTLINE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError, match=r"go is not on the PATH: install Go"):
        go_program("example.org/tool/cmd", "v1.0.0", "tool")
    go = tmp_path / "go"
    go.write_text(f"#!{sys.executable}\nimport os\nopen(os.environ['GOBIN'] + '/cmd', 'w').write('tool')\n")
    go.chmod(0o755)
    assert go_program("example.org/tool/cmd", "v1.0.0", "tool").read_text() == "tool"
    go.unlink()
    assert go_program("example.org/tool/cmd", "v1.0.0", "tool") == built_program("tool", "v1.0.0")


def test_what_go_says_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTLINE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "go").write_text("#!/bin/sh\necho no such version >&2\nexit 1\n")
    (tmp_path / "go").chmod(0o755)
    with pytest.raises(RuntimeError, match=r"(?s)example.org/tool/cmd@v9.* failed:.*no such version"):
        go_program("example.org/tool/cmd", "v9", "tool")

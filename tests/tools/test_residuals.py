"""Only the one sequence is replaced, and only where it is what it should be."""

from __future__ import annotations

import zipfile

import pytest

from tools.flink.residuals import _CLASS, _CONSTANT, _NEXT_NUMBER, bounded_residuals


@pytest.fixture
def archives(tmp_path):
    """Make a folder with an archive whose class has some code."""

    def make(code: bytes):
        folder = tmp_path / "flink-0"
        folder.mkdir()
        with zipfile.ZipFile(folder / "beam-runners-java-fn-execution-2.62.0.jar", "w") as archive:
            archive.writestr(_CLASS, code)
        return folder

    return make


def test_the_number_becomes_a_constant_of_the_same_length(archives):
    folder = bounded_residuals(archives(b"before" + _NEXT_NUMBER + b"after"))
    assert (folder / _CLASS).read_bytes() == b"before" + _CONSTANT + b"after"
    assert len(_CONSTANT) == len(_NEXT_NUMBER)
    assert folder.name == "flink-0-residuals"


@pytest.mark.parametrize("code", [b"other", 2 * _NEXT_NUMBER], ids=["another release", "twice"])
def test_another_release_is_refused(archives, code):
    with pytest.raises(RuntimeError, match=r"remove tools/flink/residuals\.py"):
        bounded_residuals(archives(code))

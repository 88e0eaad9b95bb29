"""The package of docs/extending.md, installed where the tests run driftline."""

from __future__ import annotations

import pytest

from tests.extensions.toy_package import FILES, install


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Where the package is installed."""
    folder = tmp_path_factory.mktemp("site")
    install(FILES, folder)
    return folder

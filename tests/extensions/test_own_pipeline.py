"""The job of docs/how-to/own-pipeline.md, run as it stands there, beside packages of common names."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.extensions.toy_package import BLOCK, CLI, ROOT, python

PAGE = (ROOT / "docs" / "how-to" / "own-pipeline.md").read_text()


def lines(rng, days, shift):
    """JSON lines of an order a minute, by day."""
    rows = [
        {
            "at": 1_767_225_600_000 + minute * 60_000,
            "country": "DE" if rng.random() < 0.5 else "FR",
            "amount": rng.normal(20 + shift, 5),
            "channel": "app" if rng.random() < 0.6 else "web",
        }
        for minute in range(days[0] * 1440, days[1] * 1440)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name, text in BLOCK.findall(PAGE):
        (folder / name).write_text(text)
    for package in ("transforms", "pipelines", "runners"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("MINE = True\n")
    rng = np.random.default_rng(5)
    (folder / "reference.jsonl").write_text(lines(rng, (0, 15), 0.0))
    (folder / "live.jsonl").write_text(lines(rng, (15, 17), 8.0) + "no json\n")
    return folder


def test_the_page_s_job_finds_what_moved(project):
    site = project / "none"
    site.mkdir()
    built = python(*CLI, "baseline", "config.yaml", "--input", "reference.jsonl", site=site, cwd=project)
    assert built.returncode == 0, built.stderr
    ran = python("own_job.py", site=site, cwd=project)
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.splitlines()
    assert "1 rejected" in said
    moved = {tuple(line.split()[:2]) for line in said if "rejected" not in line}
    assert moved == {(segment, "amount") for segment in ("*", "country=DE", "country=FR")}


def test_packages_of_common_names_stay_the_user_s(project):
    code = (
        "import transforms, pipelines, runners, driftline.transforms, driftline.pipelines.monitor;"
        "assert transforms.MINE and pipelines.MINE and runners.MINE;"
        "assert driftline.transforms is not transforms"
    )
    asked = python("-c", code, site=project, cwd=project)
    assert asked.returncode == 0, asked.stderr

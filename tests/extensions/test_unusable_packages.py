"""Packages that announce what cannot be used: they stop who uses it, in words that name them."""

from __future__ import annotations

import pytest

from tests.extensions.toy_package import CLI, FILES, install, python

CONFIG = """
model: m
event_time: at
features: {x: numeric, y: numeric}
baseline: {path: b.avro}
"""
FILES_SOURCE = "source: {files: {pattern: a.parquet}}\n"
USES = {
    "source": "source: {toy: {path: shop.db}}\n",
    "sink": f"{FILES_SOURCE}sinks: [toy: {{path: rows.sqlite}}]\n",
    "measure": f"{FILES_SOURCE}measures: {{order: {{first: x, second: y}}}}\n",
}
KEYS = {"source": "source.toy", "sink": "sinks[0].toy", "measure": "measures.order"}
PORTS = {
    "source": ("sources", "toy", "toy_source:TOY"),
    "sink": ("sinks", "toy", "toy_sink:ToySink"),
    "measure": ("measures", "order", "toy_measure:ORDER"),
    "statistic": ("statistics", "energy", "toy_statistic:ENERGY"),
    "table": ("tables", "order_shares", "toy_table:TABLE"),
}
EACH = pytest.mark.parametrize("what", PORTS)


def announcement(what):
    group, name, where = PORTS[what]
    return f'[project.entry-points."driftline.{group}"]\n{name} = "{where}"\n'


def validated(folder, what, text, site):
    (folder / f"{what}.yaml").write_text(CONFIG + text)
    done = python(*CLI, "validate", f"{what}.yaml", site=site, cwd=folder)
    assert "Traceback" not in done.stderr
    return done.returncode, " ".join(done.stderr.split())


def refused(folder, what, message):
    """It is refused where it is used: with the key that names it, or with every configuration."""
    code, said = validated(folder, what, USES.get(what, FILES_SOURCE), folder)
    assert code == 2
    where = KEYS.get(what, f"installed packages: 1 problem {what} `{PORTS[what][1]}`")
    assert where in said
    assert message in said


@EACH
def test_a_package_that_cannot_be_imported_stops_nobody_else(tmp_path, what):
    _, _, where = PORTS[what]
    module = where.partition(":")[0]
    install({"pyproject.toml": announcement(what), f"{module}.py": "raise RuntimeError('boom')"}, tmp_path)
    message = f"cannot be used: {where} of toy 1.0 raises RuntimeError: boom"
    refused(tmp_path, what, f"{message} -> repair, upgrade or uninstall toy 1.0")
    if what in USES:
        assert validated(tmp_path, what, FILES_SOURCE, tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("source", "of toy 1.0 has no Section as its `settings` -> give it the keys it has"),
        ("sink", "of toy 1.0 has no Section as its `settings` -> give it the keys it has"),
        ("measure", "of toy 1.0 has the name `None` -> announce it under its own name"),
        ("statistic", "of toy 1.0 has the name `None` -> announce it under its own name"),
        ("table", "of toy 1.0 has the name `None` -> announce it under its own name"),
    ],
)
def test_what_is_something_else_is_refused(tmp_path, what, message):
    module, _, attribute = PORTS[what][2].partition(":")
    install({"pyproject.toml": announcement(what), f"{module}.py": f"{attribute} = object()"}, tmp_path)
    refused(tmp_path, what, message)


@EACH
def test_what_two_packages_announce_is_refused(tmp_path, what):
    install(FILES | {"pyproject.toml": announcement(what)}, tmp_path)
    install({"pyproject.toml": announcement(what)}, tmp_path, name="other")
    refused(tmp_path, what, "is announced by other 1.0 and toy 1.0 -> uninstall all of them but one")


@pytest.mark.parametrize("what", ["measure", "statistic", "table"])
def test_what_is_announced_under_another_name_is_refused(tmp_path, what):
    _, _, where = PORTS[what]
    module, _, attribute = where.partition(":")
    renamed = f"from {module}_2 import {attribute}\n{attribute}.__dict__['name'] = 'another'\n"
    theirs = {f"{module}.py": renamed, f"{module}_2.py": FILES[f"{module}.py"]}
    install(FILES | theirs | {"pyproject.toml": announcement(what)}, tmp_path)
    refused(tmp_path, what, "of toy 1.0 has the name `another` -> announce it under its own name")


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ('b"dNP"', "has the tag b'dNP', which is that of `numeric` -> give it one of its own"),
        ('b"toy!"', "has the tag b'toy!' -> give it 3 bytes that no other measure has"),
        ('"toO"', "has the tag 'toO' -> give it 3 bytes that no other measure has"),
    ],
)
def test_a_measure_has_a_tag_of_its_own(tmp_path, tag, message):
    theirs = FILES["toy_measure.py"].replace('b"toO"', tag)
    install(FILES | {"toy_measure.py": theirs}, tmp_path)
    refused(tmp_path, "measure", message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('(Field("energy",', '(Field("psi",', "has the column `psi`, which is there already -> give"),
        ('(Field("energy",', '(Field("energy_p",', "has the column `energy_p`, which is there already"),
        ('"nullable"', '"required"', "has the required column `energy` -> make it nullable"),
        ("    columns=", "    # columns=", "has no columns -> give it the column of its value"),
    ],
)
def test_a_statistic_has_columns_of_its_own(tmp_path, old, new, message):
    assert old in FILES["toy_statistic.py"]
    theirs = FILES["toy_statistic.py"].replace(old, new)
    install(FILES | {"toy_statistic.py": theirs}, tmp_path)
    refused(tmp_path, "statistic", message)


def test_a_name_of_ours_stays_ours_and_who_announces_it_is_named(tmp_path):
    install({"pyproject.toml": announcement("source").replace("toy =", "files =")}, tmp_path)
    code, said = validated(tmp_path, "source", FILES_SOURCE, tmp_path)
    assert code == 0
    assert said == (
        "toy 1.0 announces the source `files`, which comes with driftline: driftline's own is used; "
        "announce it under another name"
    )


def test_a_sink_may_have_places_beside_a_source_of_its_name(tmp_path):
    places = """
    @property
    def places(self):
        return {"path": Place("file", self.path)}
"""
    reads = "\n    def reads(self, place):\n        return place == self.path\n"
    description = 'examples=["rows.sqlite"])\n'
    sink = FILES["toy_sink.py"].replace(description, description + places)
    sink = sink.replace("import SinkSettings", "import Place, SinkSettings")
    query = 'query: Text = "select * from events"\n'
    source = FILES["toy_source.py"].replace(query, query + reads)
    text = USES["source"] + "sinks: [toy: {path: shop.db}]\n"
    install(FILES | {"toy_sink.py": sink}, tmp_path)
    assert validated(tmp_path, "shared", text, tmp_path) == (0, "")
    (tmp_path / "toy_source.py").write_text(source)
    code, said = validated(tmp_path, "shared", text, tmp_path)
    assert code == 2
    assert "sinks[0].toy.path: shop.db" in said
    assert "is a file that the job reads -> name another file" in said

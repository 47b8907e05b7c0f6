"""A mesh.yaml that changes: what is wrong with the new one costs nothing that is in use, in a worker or in their parent."""

import asyncio

import pytest

from extproc.config import parse
from extproc.errors import ConfigError
from extproc.exchange.observer import Silence
from extproc.pipeline import Pipeline
from extproc.process.fixed import with_fixed
from extproc.process.mesh_file import MeshFile
from extproc.process.reload import InUse
from extproc.process.supervisor import Supervisor
from extproc.process.worker import Worker
from extproc.telemetry import Meter
from extproc.telemetry.instruments import CONFIG_REJECTED, TELEMETRY_DROPPED

MESH = """
version: 1
models: {MODEL: {endpoints: [{address: "127.0.0.1:8083"}]}}
default_model: MODEL
pii: {names: {enabled: false}}
processor: {workers: 2}
"""
FAULTS = (ConfigError("no"), ValueError("no"), MemoryError(), RecursionError(), OSError(24, "too many open files"))


@pytest.fixture(name="file")
def _file(tmp_path):
    (tmp_path / "mesh.yaml").write_text(MESH.replace("MODEL", "old"))
    return MeshFile(tmp_path / "mesh.yaml")


def change(file):
    """Another mesh, which is good."""
    file.path.write_text(MESH.replace("MODEL", "new-one"))


def failing(error):
    """Builds nothing."""

    def build(_mesh, _previous):
        raise error

    return build


def supervisor(file, build):
    """A parent whose workers have not been forked; what it tells them is kept."""
    mesh = file.load()
    parent = Supervisor(file, mesh, Pipeline.build(mesh), build=build, log_requests=False)
    parent.told = []
    parent._tell = parent.told.append
    return parent


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_a_parent_outlives_a_mesh_that_cannot_be_built(file, error):
    """Whatever building raises: no worker is told, the parent stays, and says and counts what it refused."""
    parent = supervisor(file, failing(error))
    change(file)
    parent._take_new_mesh()
    assert parent.told == []
    assert list(parent._overview.config()["models"]) == ["old"]
    assert str(error) in parent._overview.ready()[1]["refused"]
    assert parent._overview.snapshot()[CONFIG_REJECTED.name] == {(): [1.0]}


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_a_worker_outlives_a_mesh_that_cannot_be_built(file, error):
    """The same of a worker, by the same means."""
    mesh, meter = file.load(), Meter()
    worker = Worker(
        file, mesh, Pipeline.build(mesh), Silence(), meter, build=failing(error), use=lambda _mesh: pytest.fail("used")
    )
    change(file)
    asyncio.run(worker._take_new_mesh())
    assert list(worker.config()["models"]) == ["old"]
    assert str(error) in worker.ready()[1]["refused"]
    assert worker.ready()[1]["generation"] == 1
    assert meter.snapshot()[CONFIG_REJECTED.name] == {(): [1.0]}


def test_a_good_mesh_after_a_bad_one(file):
    """What was refused is forgotten as soon as there is something to take into use."""
    mesh = file.load()
    in_use = InUse(file, mesh, Pipeline.build(mesh), Pipeline.build)
    file.path.write_text("version: 2")
    assert in_use.is_stale()
    assert not in_use.renew()
    assert in_use.refused
    assert not in_use.is_stale()
    change(file)
    assert in_use.renew()
    assert (list(in_use.mesh.models), in_use.generation, in_use.refused) == (["new-one"], 2, None)


def test_a_file_between_two_steps_of_a_swap(file):
    """A file that is gone for a moment is not a new one."""
    mesh = file.load()
    in_use = InUse(file, mesh, Pipeline.build(mesh), Pipeline.build)
    file.path.rename(file.path.with_suffix(".old"))
    assert not in_use.is_stale()
    file.path.with_suffix(".old").replace(file.path)
    assert not in_use.is_stale()


def test_workers_are_told_of_a_good_mesh(file):
    """The parent has built it first, for the workers that it may have to fork."""
    parent = supervisor(file, Pipeline.build)
    change(file)
    parent._take_new_mesh()
    assert len(parent.told) == 1
    assert list(parent._overview.config()["models"]) == ["new-one"]


def test_a_fork_that_fails_costs_no_worker(file, monkeypatch):
    """No memory for another process: it is tried again, later and later, and the parent stays."""
    parent = supervisor(file, Pipeline.build)
    (child, _) = parent._children

    def fork():
        raise OSError(11, "no more processes")

    monkeypatch.setattr("os.fork", fork)
    waits = []
    for _ in range(12):
        parent._fork(child)
        waits.append(round(child.not_before - child.started, 1))
    assert not child.pid
    assert waits == sorted(waits)
    assert 1 < waits[-1] < 31


def test_telemetry_that_cannot_take_a_mesh(file):
    """The mesh is taken into use, what failed is counted, and the worker goes on looking after itself."""
    mesh, meter = file.load(), Meter()

    def use(_mesh):
        raise RuntimeError("no")

    worker = Worker(file, mesh, Pipeline.build(mesh), Silence(), meter, build=Pipeline.build, use=use)
    change(file)
    asyncio.run(worker._take_new_mesh())
    assert list(worker.config()["models"]) == ["new-one"]
    assert meter.snapshot()[TELEMETRY_DROPPED.name] == {("use",): [1.0]}


def test_what_needs_a_restart_is_not_taken_and_told(file):
    """The mesh in use has it as it was at the start, also after another reload; put back, nothing waits."""
    mesh = file.load()
    in_use = InUse(file, mesh, Pipeline.build(mesh), Pipeline.build)
    for _ in range(2):
        file.path.write_text(
            MESH.replace("MODEL", "new-one") + "limits: {max_body_bytes: 5000}\ntelemetry: {enabled: false}\n"
        )
        assert in_use.renew()
        assert in_use.waiting == ("limits.max_body_bytes", "telemetry.enabled")
        assert (in_use.mesh.telemetry.enabled, in_use.mesh.limits) == (True, mesh.limits)
        assert list(in_use.mesh.models) == ["new-one"]
    change(file)
    assert in_use.renew()
    assert in_use.told() == {"generation": 4, "refused": None, "needs_restart": []}


def test_every_fixed_setting_is_one():
    """The list names what a mesh has."""
    mesh = parse(MESH.replace("MODEL", "m"))
    assert with_fixed(mesh, mesh) == (mesh, ())

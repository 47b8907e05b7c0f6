"""A socket under its name: taken when somebody accepts, held while nobody does, and left to whoever takes its place."""

from __future__ import annotations

import socket

import pytest

from extproc.process.listening import SocketName, answers


@pytest.fixture(name="name")
def _name(tmp_path):
    name = SocketName(str(tmp_path / "a.sock"))
    yield name
    name.drop()


def test_it_appears_when_somebody_accepts(name):
    """Held, it is there for nobody; taken, it has the mode that lets Envoy connect."""
    name.hold()
    assert not name.path.exists()
    name.take()
    assert answers(name.path)
    assert name.path.stat().st_mode & 0o777 == 0o666
    assert not name.temporary.exists()


def test_what_connects_between_two_workers_waits(name):
    """A connection that nobody has accepted is there for the next one, who holds and takes again what is held already."""
    name.hold()
    name.take()
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(name.path))
        caller.sendall(b"?")
        inode = name.inode
        name.hold()
        name.take()
        assert name.inode == inode
        accepted, _ = name.held.accept()
        with accepted:
            assert accepted.recv(1) == b"?"


def test_one_whose_file_was_removed_is_made_anew(name):
    """Nobody could reach it."""
    name.hold()
    name.take()
    name.path.unlink()
    name.hold()
    name.take()
    assert answers(name.path)


def test_let_go_it_refuses(name):
    """Its file stays, for Envoy to find nobody there; held again, it is another."""
    name.hold()
    name.take()
    name.let_go()
    assert name.path.exists()
    assert not answers(name.path)
    name.hold()
    name.take()
    assert answers(name.path)


def test_another_takes_its_place(name):
    """Who was replaced removes nothing of the other's."""
    name.hold()
    name.take()
    other = SocketName(str(name.path))
    other.hold()
    assert not name.is_anothers()
    assert not other.is_anothers()
    other.take()
    assert name.is_anothers()
    assert not other.is_anothers()
    name.drop()
    assert answers(other.path)
    other.drop()
    assert not list(other.path.parent.iterdir())


def test_a_path_that_cannot_be_bound(tmp_path):
    """Too long, or in a folder that is none: an OSError, and nothing left open."""
    for path in (tmp_path / ("a" * 60) / ("b" * 60) / "c.sock", tmp_path / "none" / "c.sock"):
        name = SocketName(str(path))
        with pytest.raises(OSError):
            name.hold()
        assert name.held is None

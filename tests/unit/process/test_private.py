"""Where the socket lives: a folder and a lock that nobody else can have put there."""

import os
import stat

import pytest

from extproc.errors import ConfigError
from extproc.process import private

IS_ROOT = os.geteuid() == 0


def lock(path):
    """Take it, and let it go."""
    with private.lock(path, "processor.socket") as file:
        return stat.S_IMODE(os.fstat(file.fileno()).st_mode)


def test_a_folder_of_our_own(tmp_path):
    """Made with what leads to it, for nobody else to write to; the lock is for nobody else to read."""
    before = os.umask(0)
    try:
        assert lock(tmp_path / "a" / "b" / "s.lock") == 0o600
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o755
    assert lock(tmp_path / "a" / "b" / "s.lock") == 0o600


@pytest.mark.skipif(not IS_ROOT, reason="only root can give files away")
@pytest.mark.parametrize("what", ["folder", "lock", "link"])
def test_what_another_user_made_is_refused(tmp_path, what):
    """The folder, the lock in it, a link that leads to a folder of ours: it says whose it is."""
    folder = tmp_path / "f"
    folder.mkdir(mode=0o755)
    if what == "folder":
        os.chown(folder, 12345, 12345)
    elif what == "lock":
        (folder / "s.lock").write_text("theirs")
        os.chown(folder / "s.lock", 12345, 12345)
    else:
        folder = tmp_path / "l"
        folder.symlink_to(tmp_path / "f")
        os.lchown(folder, 12345, 12345)
    with pytest.raises(ConfigError, match=r"processor\.socket: .*12345"):
        lock(folder / "s.lock")
    if what == "lock":
        assert (folder / "s.lock").read_text() == "theirs"


def test_a_lock_that_leads_elsewhere_is_not_followed(tmp_path):
    """A file of ours at the other end of a link is neither emptied nor locked."""
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "s.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(ConfigError, match=r"processor\.socket"):
        lock(tmp_path / "s.lock")
    (tmp_path / "s.lock").unlink()
    os.link(tmp_path / "mine", tmp_path / "s.lock")
    with pytest.raises(ConfigError, match="not a file of ours"):
        lock(tmp_path / "s.lock")
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize(
    ("mode", "owner", "good"),
    [
        (0o755, 12345, True),
        (0o700, 12345, True),
        (0o775, 12345, False),
        (0o777, 12345, False),
        (0o1777, 12345, True),
        (0o777, 0, True),
    ],
)
def test_who_may_write_to_the_folder(tmp_path, monkeypatch, mode, owner, good):
    """Nobody else, unless root has opened it to all, as a pod's emptyDir is."""
    if not IS_ROOT:
        pytest.skip("only root can give files away")
    folder = tmp_path / "f"
    folder.mkdir()
    folder.chmod(mode)
    os.chown(folder, owner, owner)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    if good:
        private._check_folder(folder, "processor.socket")
        return
    with pytest.raises(ConfigError, match=f"chmod go-w {folder}"):
        private._check_folder(folder, "processor.socket")


def test_a_folder_that_cannot_be_made(tmp_path):
    """It says where, and why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"processor\.socket: .*file"):
        lock(tmp_path / "file" / "s.lock")

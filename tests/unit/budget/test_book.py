"""The accounts, in memory and in a file that processes share."""

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from extproc.budget.book import MOST_KEY_BYTES, Book, Crossed, Taken, Want, key_of, names_in
from extproc.budget.pages import Memory, SharedFile
from extproc.errors import ConfigError

LATER = 2_000_000_000.0


@pytest.fixture(params=["memory", "file"])
def book(request, tmp_path):
    """Over each kind of pages."""
    made = Book(Memory() if request.param == "memory" else SharedFile(tmp_path / "accounts"))
    yield made
    made.pages.close()


def want(name="b", account="all", amount=10, limit=100, *, binding=True):
    """Ten of a hundred, but for what is said."""
    return Want(key_of(name, account), 0, int(LATER), amount, limit, binding)


def spent(book):
    """Account -> used, reserved."""
    return {names_in(key): (account.used, account.reserved) for key, account in book.accounts()}


def test_no_sequence_of_calls_goes_over(book):
    """Whatever is reserved, settled, expired in whatever order: used is what was set aside and what was spent, and no more
    than the limit.
    """
    chance = random.Random(7)
    open_, costs = {}, {"a": 0, "b": 0}
    for _ in range(600):
        if open_ and chance.random() < 0.45:
            number = chance.choice(list(open_))
            parts = open_.pop(number)
            cost = [chance.choice([None, 0, chance.randint(0, amount)]) for _, amount in parts]
            assert book.settle(number, cost)
            assert not book.settle(number, cost)
            for (account, amount), each in zip(parts, cost, strict=True):
                costs[account] += amount if each is None else each
        else:
            parts = [(a, chance.randint(1, 40)) for a in chance.sample(["a", "b"], chance.randint(1, 2))]
            done = book.reserve([want(account=a, amount=n, limit=2000) for a, n in parts], LATER)
            if isinstance(done, Taken):
                open_[done.id] = parts
        for account in ("a", "b"):
            held = sum(n for parts in open_.values() for a, n in parts if a == account)
            assert spent(book).get(("b", account), (0, 0)) == (costs[account] + held, held)
            assert costs[account] + held <= 2000


def test_names_come_back(book):
    """Of any script, and as long as one likes: two that differ at their end only are two."""
    long = "n" * 1000
    for name in ("ann", "spiffe://x/ns/y", "Ирина", long + "1", long + "2"):
        key = key_of("b", name)
        assert len(key) <= MOST_KEY_BYTES + 1
        assert isinstance(book.reserve([want(account=name)], LATER), Taken)
        if len(name) < 100:
            assert names_in(key) == ("b", name)
    assert len(book.accounts()) == 5


def test_names_beyond_all_measure_share_one_account(book, monkeypatch):
    """Callers cannot fill the memory with names."""
    monkeypatch.setattr("extproc.budget.book.MOST_ACCOUNTS", 8)
    done = [book.reserve([want(account=f"caller-{i}", limit=30)], LATER) for i in range(20)]
    assert len(book.accounts()) < 8
    assert isinstance(done[-1], Crossed)


def test_what_fails_in_the_midst_changes_nothing(tmp_path):
    """A transaction counts whole, or not at all."""
    book = Book(SharedFile(tmp_path / "accounts"))
    book.reserve([want()], LATER)

    def fail():
        with book.pages.begin() as txn:
            for key, _ in txn.scan(b"a"):
                txn.put(key, b"\0" * 72)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert spent(book) == {("b", "all"): (10, 10)}


def test_a_file_that_is_none_is_put_aside(tmp_path):
    """The accounts begin anew, and what was there is kept."""
    path = tmp_path / "accounts"
    path.write_bytes(b"no accounts at all" * 1000)
    book = Book(SharedFile(path))
    assert isinstance(book.reserve([want()], LATER), Taken)
    assert path.with_name("accounts.unreadable").exists()
    book.pages.close()


def test_a_place_that_cannot_be(tmp_path):
    """Said at the start, with the setting's name."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"budget_state\.path"):
        SharedFile(tmp_path / "file" / "accounts").open()


FORKED = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def working(path, seed, until):
    """A process of its own that reserves and settles as fast as it can."""
    if pid := os.fork():
        return pid
    code = 1
    try:  # whatever happens here, it must not return into the tests
        chance = random.Random(seed)
        book = Book(SharedFile(path))
        while time.monotonic() < until:
            done = book.reserve([want(amount=7, limit=100_000), want("r", amount=1, limit=10**9)], time.time() + 0.2)
            if isinstance(done, Taken) and chance.random() < 0.9:
                book.settle(done.id, [3, 1])
        code = 0
    finally:
        os._exit(code)


@FORKED
def test_workers_that_are_killed_leave_good_accounts(tmp_path):
    """Four processes on one file, killed while they write: every account adds up, and the lock is free for the next."""
    path, until = tmp_path / "accounts", time.monotonic() + 0.8
    children = [working(path, seed, until) for seed in range(4)]
    time.sleep(0.4)
    for pid in children[:2]:
        os.kill(pid, signal.SIGKILL)
    assert [os.waitpid(pid, 0)[1] for pid in children[2:]] == [0, 0]
    for pid in children[:2]:
        os.waitpid(pid, 0)
    book = Book(SharedFile(path))
    book.expire(time.time() + 1)
    (tokens, held), (requests, held_too) = spent(book)["b", "all"], spent(book)["r", "all"]
    assert held == held_too == 0
    # each request has cost three or, never settled, seven; together no more than the limit
    assert 3 * requests <= tokens <= 7 * requests
    assert (tokens - 3 * requests) % 4 == 0
    assert requests > 100
    assert tokens <= 100_000
    assert isinstance(book.reserve([want("new")], LATER), Taken)
    assert book.pages.lead()
    book.pages.close()


@FORKED
def test_the_lock_is_given_on_whoever_dies(tmp_path):
    """Who holds it, who waits for it, who has just been woken: the one that is left gets it, though nobody new comes."""
    path, chance = tmp_path / "accounts", random.Random(11)
    book = Book(SharedFile(path))
    book.reserve([want()], LATER)
    book.pages.close()
    for _ in range(5):
        children = [
            working(path, seed, time.monotonic() + 20) for seed in range(4)
        ]  # what is open here is open in them
        time.sleep(chance.uniform(0.02, 0.06))
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        pages = SharedFile(path)
        with pages.begin() as txn:  # waits behind all of them
            assert txn.count() > 0
        pages.close()
        assert [os.waitpid(pid, 0)[1] for pid in children] == [signal.SIGKILL] * 4  # none had failed before


def test_threads_of_one_process_take_turns(tmp_path):
    """What one has begun no other sees half of, and none is lost."""
    book = Book(SharedFile(tmp_path / "accounts"))

    def ask(number):
        for _ in range(50):
            book.reserve([want(amount=1, limit=10**6), want("c", amount=1, limit=10**6)], LATER)
            (one, _), (two, _) = spent(book)["b", "all"], spent(book)["c", "all"]
            assert one <= two + 4, number

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ask, number) for number in range(4)]:
            done.result()
    assert spent(book) == {("b", "all"): (200, 200), ("c", "all"): (200, 200)}
    book.pages.close()


@FORKED
def test_a_fork_while_another_thread_opens_the_file(tmp_path, monkeypatch):
    """The child opens it for itself, whoever was about to in its parent."""
    pages, opening, enough = SharedFile(tmp_path / "accounts"), threading.Event(), threading.Event()

    def wait():
        opening.set()
        enough.wait(30)

    with monkeypatch.context() as patch:
        patch.setattr(pages, "_open", wait)
        thread = threading.Thread(target=pages.open)
        thread.start()
        opening.wait(30)
        patch.undo()
        if not (pid := os.fork()):
            signal.alarm(10)
            try:
                with pages.begin() as txn:
                    code = txn.count()
                os._exit(code)
            finally:
                os._exit(1)
        enough.set()
        thread.join()
    assert os.waitpid(pid, 0)[1] == 0


@FORKED
def test_one_leads(tmp_path):
    """And another does when it is gone."""
    path = tmp_path / "accounts"
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        SharedFile(path).lead()
        os.write(writing, b".")
        time.sleep(30)
        os._exit(0)
    os.read(reading, 1)
    pages = SharedFile(path)
    assert not pages.lead()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert pages.lead()
    pages.close()

"""What workers have counted neither falls nor doubles, whoever looks and whoever dies meanwhile."""

import threading
from types import SimpleNamespace

from extproc.process.counts import Counts
from extproc.telemetry.arena import Arena
from extproc.telemetry.instruments import REQUESTS
from extproc.telemetry.meter import Meter

LABELS = tuple("x" for _ in REQUESTS.attributes)


def test_a_death_under_the_eyes_of_a_scrape():
    """Workers die as fast as they can while somebody looks: each look sees all that the one before saw."""
    places = [SimpleNamespace(arena=Arena()) for _ in range(2)]
    counts = Counts(places)
    over = threading.Event()
    seen = []

    def look():
        while not over.is_set():
            seen.append(counts.snapshot().get(REQUESTS.name, {}).get(LABELS, [0.0])[0])

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for nth in range(300):
            place = places[nth % 2]
            Meter(place.arena).add(REQUESTS, 1.0, LABELS)
            counts.bury(place)
    finally:
        over.set()
        looking.join()
    assert counts.snapshot()[REQUESTS.name][LABELS] == [300.0]
    assert seen == sorted(seen)
    assert not seen or seen[-1] <= 300.0

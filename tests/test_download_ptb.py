"""Downloads from servers of our own on this machine, which break off, lie and stall."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import tarfile
import threading
import time

import pytest

import download_ptb
import shared
from graphs import shown_on_a_terminal
from program import progress_bar
from text import preparation

FILES = {
    f"ptb.{split}.txt": "".join(f" {split} {i} \n" for i in range(number)).encode()
    for split, number in (("train", 20000), ("valid", 200), ("test", 100))
}
KNOWN = {
    name: download_ptb.File(len(content), hashlib.sha256(content).hexdigest())
    for name, content in FILES.items()
}
FOLDER = {f"/data/{name}": content for name, content in FILES.items()}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers["Range"]))
        content = server.files.get(self.path)
        if content is None:
            return self.send_error(404)
        start = 0
        if self.headers["Range"] and server.knows_ranges:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: server.cuts.pop(0) if server.cuts else None])
        self.wfile.flush()
        server.before_hanging_up()

    def do_CONNECT(self):
        self.server.requests.append((self.path, None))
        self.send_error(403)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve(files, cuts=(), knows_ranges=True):
    """Yields a server; `cuts` says after how many bytes it breaks off its first answers."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.cuts, server.knows_ranges = files, list(cuts), knows_ranges
        server.requests, server.before_hanging_up = [], lambda: None
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield server
        finally:
            server.shutdown()


@contextlib.contextmanager
def serve_forever(start, block, pause=0.0):
    """Yields the address of a server that answers with `start`, then `block` again and again."""

    class ForeverHandler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            with contextlib.suppress(OSError):
                self.wfile.write(start)
                while not is_over.wait(pause):
                    self.wfile.write(block)

    is_over = threading.Event()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), ForeverHandler) as server:
        server.daemon_threads = True  # who writes to a client that reads no more waits for ever
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            is_over.set()
            server.shutdown()


def archive(files, links=(), **options):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", **options) as tar:
        for name in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def simple_examples():
    return archive([(f"./simple-examples/data/{name}", text) for name, text in FILES.items()])


def assert_complete(directory):
    found = {path.name: path.read_bytes() for path in directory.iterdir()}
    found.pop(preparation.FILE, None)  # the script's, not the function's
    assert found == FILES


@pytest.fixture(autouse=True)
def direct_connections(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def start(*arguments, environment=None, prelude="", **options):
    """Starts the script with the sizes and sums of the files above, `prelude` run before it."""
    code = f"{prelude}import sys, download_ptb, shared; sys.argv[0] = 'download_ptb.py'; "
    known = {name: tuple(file) for name, file in KNOWN.items()}
    code += f"new = {{k: download_ptb.File(*v) for k, v in {known!r}.items()}}; "
    code += "download_ptb.FILES.update(new); shared.run(download_ptb.main)"
    folder = os.path.dirname(download_ptb.__file__)
    ours = {"PYTHONPATH": folder, "PYTHONIOENCODING": "utf-8"}
    environment = {**os.environ, **ours, **(environment or {})}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, env=environment, **options)


def run(*arguments, **options):
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_the_three_files_from_a_folder(tmp_path):
    out = tmp_path / "a" / "b"
    with serve(FOLDER) as server:
        assert run(f"--out={out}", f"--url={server.url}/data/") == (0, "", "")
    assert_complete(out)


def test_only_the_named_members_leave_the_archive(tmp_path):
    names = ["../ptb.train.txt", "/ptb.valid.txt", "x/../../escaped", "char/ptb.test.txt"]
    others = [(name, b"another text") for name in names]
    right = [(f"./simple-examples/data/{name}", content) for name, content in FILES.items()]
    content = archive([*others, *right, *others], links=["ptb.train.txt", "data/ptb.valid.txt"])
    with serve({"/old/simple-examples.tgz": content}) as server:
        download_ptb.download(tmp_path / "out", [f"{server.url}/old/simple-examples.tgz"], KNOWN)
    assert_complete(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_there_is_not_fetched_again(tmp_path):
    with serve(FOLDER) as server:
        download_ptb.download(tmp_path, [f"{server.url}/data"], KNOWN)
        (tmp_path / "ptb.valid.txt").unlink()
        server.requests.clear()
        for _ in range(2):
            download_ptb.download(tmp_path, [f"{server.url}/data"], KNOWN)
        assert server.requests == [("/data/ptb.valid.txt", None)]
    assert_complete(tmp_path)


def test_another_text_in_its_place_is_kept(tmp_path):
    (tmp_path / "ptb.valid.txt").write_text("my own")
    with (
        serve(FOLDER) as server,
        pytest.raises(shared.UserError, match=r"ptb\.valid\.txt: is anot"),
    ):
        download_ptb.download(tmp_path, [f"{server.url}/data"], KNOWN)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["my own"]


def test_a_cut_is_resumed_where_it_was(tmp_path):
    with serve(FOLDER, cuts=[100_000, 0, 70_000]) as server:
        for _ in range(2):  # the second connection brings nothing, and the mirror is given up
            with contextlib.suppress(shared.UserError):
                download_ptb.download(tmp_path, [f"{server.url}/data"], KNOWN)
    assert [wanted for _, wanted in server.requests] == [
        None, "bytes=100000-", "bytes=100000-", "bytes=170000-", None, None
    ]  # fmt: skip
    assert_complete(tmp_path)


def test_the_next_mirror_resumes_a_cut(tmp_path, capsys):
    train = FILES["ptb.train.txt"]
    with serve(FOLDER, cuts=[100_000, 0]) as first, serve(FOLDER) as second:
        download_ptb.download(tmp_path, [f"{first.url}/data", f"{second.url}/data"], KNOWN)
    assert second.requests[0] == ("/data/ptb.train.txt", "bytes=100000-")
    error = f"{first.url}/data: ended after 100000 of {len(train)} bytes\n"
    assert capsys.readouterr().err == error
    assert_complete(tmp_path)


def test_a_cut_archive_is_resumed(tmp_path):
    content = simple_examples()
    with serve({"/x.tgz": content}, cuts=[len(content) // 2]) as server:
        download_ptb.download(tmp_path, [f"{server.url}/x.tgz"], KNOWN)
    assert server.requests == [("/x.tgz", None), ("/x.tgz", f"bytes={len(content) // 2}-")]
    assert_complete(tmp_path)


def test_a_server_that_knows_no_ranges_starts_over(tmp_path):
    with serve(FOLDER, cuts=[100_000], knows_ranges=False) as server:
        download_ptb.download(tmp_path, [f"{server.url}/data"], KNOWN)
    assert server.requests[1] == ("/data/ptb.train.txt", "bytes=100000-")
    assert_complete(tmp_path)


@pytest.mark.parametrize(
    "part",
    [b"<html>", b"\n" * 10**6, FILES["ptb.train.txt"][:-9] + b"different", FILES["ptb.train.txt"]],
    ids=["page", "longer", "other end", "whole"],
)
def test_a_part_is_trusted_only_as_far_as_the_sum(tmp_path, part):
    (tmp_path / "ptb.train.txt.part").write_bytes(part)
    with serve(FOLDER) as server:
        download_ptb.download(tmp_path, [f"{server.url}/data"], KNOWN)
    assert_complete(tmp_path)


def test_wrong_contents_are_left_for_the_next_mirror(tmp_path, capsys):
    wrong = {**FOLDER, "/data/ptb.valid.txt": b"<html>Log in to this network"}
    with serve(wrong) as first, serve(FOLDER) as second:
        download_ptb.download(tmp_path, [f"{first.url}/data", f"{second.url}/data"], KNOWN)
    error = f"{first.url}/data: ptb.valid.txt has another SHA-256 sum\n"
    assert capsys.readouterr().err == error
    assert [path for path, _ in second.requests] == ["/data/ptb.valid.txt", "/data/ptb.test.txt"]
    assert_complete(tmp_path)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"<html>", "is no whole .tgz archive: "),
        (simple_examples()[:20_000], "is no whole .tgz archive: "),
        (simple_examples()[:20_000] + b"\xff" * 20_000, ""),  # zlib may or may not notice
        (gzip.compress(b"no tar" * 1000), "is no whole .tgz archive: "),
        (archive([("a/ptb.train.txt", b"x")]), "has no ptb.train.txt or ptb.valid.txt or ptb.test"),
    ],
    ids=["page", "short", "damaged", "no tar", "other files"],
)
def test_a_bad_archive_is_left_for_the_next_mirror(tmp_path, capsys, content, error):
    with serve({"/x.tgz": content, **FOLDER}) as server:
        download_ptb.download(tmp_path, [f"{server.url}/x.tgz", f"{server.url}/data"], KNOWN)
    said = capsys.readouterr().err
    assert said.startswith(f"{server.url}/x.tgz: {error}") and said.count("\n") == 1
    assert_complete(tmp_path)


RIGHT = [(f"data/{name}", content) for name, content in FILES.items()]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (archive([("README", b"\0" * 2_000_000), *RIGHT]), "unpacks to more than 1000000 bytes"),
        (archive([("a/ptb.train.txt", b"\0" * 900_000)]), "has no ptb.train.txt or ptb.valid.txt "),
        (
            archive(RIGHT, format=tarfile.PAX_FORMAT, pax_headers={"comment": "x" * 900_000}),
            "is no whole .tgz archive: a header is too large",
        ),
    ],
    ids=["another file", "a file named as ours", "header"],
)
def test_what_unpacks_to_more_than_there_is_is_not_unpacked(
    tmp_path, capsys, monkeypatch, content, error
):
    monkeypatch.setattr(download_ptb, "MAX_UNPACKED_SIZE", 1_000_000)
    monkeypatch.setattr(download_ptb, "_install_member", None)
    with serve({"/x.tgz": content}) as server, pytest.raises(shared.UserError, match="no mirror"):
        download_ptb.download(tmp_path, [f"{server.url}/x.tgz"], KNOWN)
    said = capsys.readouterr().err
    assert said.startswith(f"{server.url}/x.tgz: {error}") and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_proxy_is_asked(tmp_path):
    host = "corpus.invalid"  # nobody but the proxy knows it
    with serve({f"http://{host}{path}": content for path, content in FOLDER.items()}) as proxy:
        proxies = {"http_proxy": proxy.url, "https_proxy": proxy.url}
        mirrors = [f"--url=https://{host}/data", f"--url=http://{host}/data"]
        status, _, err = run(f"--out={tmp_path}", *mirrors, environment=proxies)
    assert status == 0
    assert err.startswith(f"https://{host}/data: ") and "403" in err and err.count("\n") == 1
    assert proxy.requests[:2] == [
        (f"{host}:443", None),
        (f"http://{host}/data/ptb.train.txt", None),
    ]
    assert_complete(tmp_path)


def test_an_interrupted_download_is_resumed(tmp_path):
    train, part = FILES["ptb.train.txt"], tmp_path / "ptb.train.txt.part"
    go_on = threading.Event()
    with serve(FOLDER, cuts=[len(train) - 1]) as server:
        server.before_hanging_up = go_on.wait
        process = start(f"--out={tmp_path}", f"--url={server.url}/data")
        while process.poll() is None and not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
        go_on.set()
        assert (process.returncode, out, err) == (130, "", "download_ptb.py: interrupted\n")
        size = part.stat().st_size
        assert list(tmp_path.iterdir()) == [part]
        assert part.read_bytes() == train[:size] != b""
        server.requests.clear()
        status, _, err = run(f"--out={tmp_path}", f"--url={server.url}/data")
    assert (status, err) == (0, "")
    assert server.requests[0] == ("/data/ptb.train.txt", f"bytes={size}-")
    assert_complete(tmp_path)


def test_a_silent_server_is_given_up(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/data"
        with pytest.raises(shared.UserError, match="no mirror"):
            download_ptb.download(tmp_path, [mirror], KNOWN, window=0.1)
    assert capsys.readouterr().err == f"{mirror}: is too slow: 0 bytes in 0.1 seconds\n"


@pytest.mark.parametrize(
    ("answer", "block"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"x\r\n"),
    ],
    ids=["text", "header", "chunk", "trailer"],
)
def test_a_server_that_goes_on_slowly_is_given_up(tmp_path, capsys, answer, block):
    with (
        serve_forever(answer, block, pause=0.01) as slow,
        pytest.raises(shared.UserError, match="no mirror"),
    ):
        download_ptb.download(tmp_path, [slow], KNOWN, window=0.2)
    error = capsys.readouterr().err
    assert re.fullmatch(rf"{slow}: is too slow: \d+ bytes in 0.2 seconds\n", error)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 206 Partial Content\r\n\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 9999999999\r\n\r\n",
    ],
    ids=["unknown length", "length"],
)
def test_of_an_answer_longer_than_the_file_nothing_is_kept(tmp_path, capsys, answer):
    train = FILES["ptb.train.txt"]
    (tmp_path / "ptb.train.txt.part").write_bytes(train[:1000])
    with serve_forever(answer, b"x" * 10_000) as endless, serve(FOLDER) as server:
        download_ptb.download(tmp_path, [endless, f"{server.url}/data"], KNOWN)
    assert capsys.readouterr().err == f"{endless}: sends more than {len(train)} bytes\n"
    assert server.requests[0] == ("/data/ptb.train.txt", "bytes=1000-")
    assert_complete(tmp_path)


def test_what_a_server_says_is_one_line_of_plain_text(tmp_path, capsys):
    answer = b"HTTP/1.1 404 \x1b[2J" + b"long " * 1000 + b"\r\n\r\n"
    with serve_forever(answer, b"") as rude, serve(FOLDER) as server:
        download_ptb.download(tmp_path, [rude, f"{server.url}/data"], KNOWN)
    error = capsys.readouterr().err
    assert error.startswith(f"{rude}: 404 [2Jlong long ") and len(error) < 300
    assert error.count("\n") == 1


def test_without_a_network_it_says_what_to_do_by_hand(tmp_path):
    nobody = {"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    status, out, err = run(f"--out={tmp_path}", "--url=http://mine/", environment=nobody)
    assert (status, out) == (1, "")
    *failures, last = err.splitlines()
    assert failures == [
        f"{mirror}: Connection refused" for mirror in ["http://mine/", *download_ptb.MIRRORS]
    ]
    assert last.startswith("download_ptb.py: no mirror delivers ptb.train.txt, ptb.valid.txt, ptb.")
    assert "simple-examples.tgz" in last and str(tmp_path) in last
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["", "/below"])
def test_a_file_in_the_directory_s_place(tmp_path, place):
    (tmp_path / "file").write_text("text")
    status, out, err = run(f"--out={tmp_path}/file{place}")
    assert (status, out) == (1, "")
    assert err.startswith(f"download_ptb.py: {tmp_path}/file") and err.count("\n") == 1


def test_a_full_disk_keeps_the_part(tmp_path):
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({10**5}, {10**5})); "
    with serve(FOLDER) as server:
        status, out, err = run(f"--out={tmp_path}", f"--url={server.url}/data", prelude=limit)
        assert (status, out) == (1, "")
        assert err == f"download_ptb.py: {tmp_path}/ptb.train.txt.part: File too large\n"
        status, _, err = run(f"--out={tmp_path}", f"--url={server.url}/data")
    assert (status, err) == (0, "")
    assert_complete(tmp_path)


@pytest.mark.parametrize(
    "url", ["ptb.tgz", "file:///ptb", "http://", "http://[", "ftp://x/y", "http://a b", "http://ä"]
)
def test_addresses_that_cannot_be_used(tmp_path, url):
    status, out, err = run(f"--out={tmp_path}", f"--url={url}")
    assert (status, out) == (1, "")
    message = f"argument --url: {url} is no http or https address (--help explains the flags)"
    assert err == f"download_ptb.py: {message}\n"


def test_progress_is_for_terminals(tmp_path, monkeypatch):
    monkeypatch.setattr(progress_bar, "DELAY_SECS", 0)
    with serve(FOLDER) as server:
        arguments = str(tmp_path), [f"{server.url}/data"], KNOWN
        shown = shown_on_a_terminal(download_ptb.download, *arguments)
    assert all(re.search(rf"\r{name}: \d+%, ", shown) for name in FILES)

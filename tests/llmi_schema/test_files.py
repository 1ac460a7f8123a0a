"""`whole` on disks that are full, links, devices, and under exceptions."""

import errno
import os
import subprocess
import sys

import pytest

from llmi_schema import ConfigurationError, LLMIError
from llmi_schema.files import in_words, whole, write_whole


def test_text_and_bytes_are_written_and_nothing_else_is_left(tmp_path):
    write_whole(tmp_path / "a", "größer")
    write_whole(str(tmp_path / "b"), b"\0\1")
    assert (tmp_path / "a").read_bytes() == "größer".encode()
    assert (tmp_path / "b").read_bytes() == b"\0\1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_full_disk_keeps_the_old_file_and_says_what_to_do(tmp_path):
    code = f"""
import resource, signal
from llmi_schema.files import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_whole({str(tmp_path / "page")!r}, "new" * 1000)
"""
    (tmp_path / "page").write_text("old")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert "page: cannot write here (File too large); free some space on that disk and run it again" in said
    assert (tmp_path / "page").read_text() == "old"
    assert os.listdir(tmp_path) == ["page"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_whatever_stops_the_writing_keeps_the_old_file(tmp_path, error):
    write_whole(tmp_path / "page", "old")

    def write_half():
        with whole(tmp_path / "page") as unfinished:
            unfinished.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert (tmp_path / "page").read_text() == "old"
    assert os.listdir(tmp_path) == ["page"]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "page")
    for text in ("first", "second"):
        write_whole(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "elsewhere" / "page").read_text() == text


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert pipe.is_fifo()


def test_standard_output_is_a_place_to_write_to():
    code = "from llmi_schema.files import write_whole; write_whole('/dev/stdout', 'x'); write_whole('/dev/null', 'y')"
    before = os.stat("/dev/null")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "x"
    assert os.path.samestat(os.stat("/dev/null"), before)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    class MineError(LLMIError):
        pass

    with pytest.raises(ConfigurationError, match=r"nowhere/page: cannot write here .* choose another place"):
        write_whole(tmp_path / "nowhere" / "page", "")
    with pytest.raises(MineError, match="cannot write here"), whole(tmp_path, MineError) as unfinished:
        unfinished.write_text("a folder")


def test_an_error_of_the_system_in_words():
    assert in_words(OSError(errno.ENOENT, "No such file", "page")) == "page: No such file"
    assert in_words(OSError("odd")) == "odd"
    assert in_words(OSError(errno.ENOSPC, "No space")).startswith("No space; free some space")

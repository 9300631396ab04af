import errno
import os
import subprocess
import sys

import pytest

from kgbert.utils.atomic_write import replacing, write_atomically


def test_text_is_written_as_utf8_and_bytes_as_they_are(tmp_path):
    text, raw = tmp_path / "text.json", tmp_path / "raw.bin"

    write_atomically(text, "µ ≥ 0,\n")
    write_atomically(raw, b"\x00\r\n\xff")

    assert text.read_bytes() == "µ ≥ 0,\n".encode()
    assert raw.read_bytes() == b"\x00\r\n\xff"


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "runs" / "demo" / "plain-0.json"

    write_atomically(path, "{}")

    assert os.listdir(path.parent) == ["plain-0.json"]


def test_full_disk_names_the_path_keeps_the_old_file_and_leaves_no_temporary_file(
    tmp_path, monkeypatch
):
    path = tmp_path / "results.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", _disk_full)

    with pytest.raises(OSError, match=r"could not write .*results\.json \(No space left") as caught:
        write_atomically(path, "new")

    assert caught.value.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["results.json"]


def test_interruption_leaves_no_temporary_file(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", _interrupt)

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "results.json", "new")

    assert os.listdir(tmp_path) == []


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    (tmp_path / "report.html").mkdir()

    with pytest.raises(OSError, match=r"report\.html"):
        write_atomically(tmp_path / "report.html", "new")


def test_permissions_are_those_of_an_ordinary_file(tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("")

    written = write_atomically(tmp_path / "written", "")

    assert written.stat().st_mode == ordinary.stat().st_mode


def test_permissions_of_a_replaced_file_are_kept(tmp_path):
    path = tmp_path / "shared"
    path.write_text("old")
    path.chmod(0o664)

    write_atomically(path, "new")

    assert path.stat().st_mode & 0o777 == 0o664


def _disk_full(number):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _interrupt(number):
    raise KeyboardInterrupt


def test_what_a_killed_process_left_beside_a_folder_is_removed(tmp_path):
    code = (
        "import os, sys; from kgbert.utils.atomic_write import replacing\n"
        "with replacing(sys.argv[1], 'model') as fresh:\n"
        "    (fresh / 'weights').write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "model")], check=False)
    assert len(os.listdir(tmp_path)) == 2  # the folder, and its lock

    with replacing(tmp_path / "model", "model") as fresh:
        (fresh / "weights").write_text("whole")

    assert os.listdir(tmp_path) == ["model"]
    assert (tmp_path / "model" / "weights").read_text() == "whole"


def test_what_another_process_is_writing_stays(tmp_path):
    with replacing(tmp_path / "model", "model") as other:
        with replacing(tmp_path / "model", "model") as fresh:
            (fresh / "weights").write_text("mine")
        (other / "weights").write_text("the other's")

    assert os.listdir(tmp_path) == ["model"]
    assert (tmp_path / "model" / "weights").read_text() == "the other's"


def test_a_folder_that_a_killed_process_had_moved_is_put_back(tmp_path):
    moved = tmp_path / ".model.abc.old"
    moved.mkdir()
    (moved / "weights").write_text("old")

    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "model", "model"):
        raise KeyboardInterrupt

    assert os.listdir(tmp_path) == ["model"]
    assert (tmp_path / "model" / "weights").read_text() == "old"

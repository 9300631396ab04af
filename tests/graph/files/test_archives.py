import gzip
import tarfile
import zipfile

import pytest

from kgbert import GraphError, read_graph
from tests.support.errors import raises
from tests.support.five_entities import OBO


def archive_of(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_what_lies_beside_an_ontology_in_an_archive_is_no_graph(tmp_path):
    members = {"a.obo": OBO, "README.md": "# a page", "__MACOSX/._a.obo": "\0", ".hidden.obo": "x"}

    graph = read_graph(archive_of(tmp_path / "graph.zip", **members))

    assert len(graph) == 5


@pytest.mark.parametrize(("place", "value"), [(6, 1), (8, 99)], ids=["encrypted", "unknown method"])
def test_an_archive_that_python_cannot_unpack_is_refused(place, value, tmp_path):
    path = archive_of(tmp_path / "graph.zip", **{"a.obo": OBO})
    content = bytearray(path.read_bytes())
    central = content.rfind(b"PK\1\2")
    content[place] = content[central + place + 2] = value
    path.write_bytes(content)

    with raises("damaged-archive"):
        read_graph(path)


@pytest.mark.parametrize(
    ("start", "command"),
    [
        (b"PK\3\4\x14\0", "unzip"),
        (b"\x28\xb5\x2f\xfd", "zstd -d"),
        (b"7z\xbc\xaf\x27\x1c", "7z x"),
        (b"Rar!\x1a\7", "unrar x"),
        (b"]\0\0\x80\0", "unlzma"),
        (b"\x04\x22\x4d\x18", "lz4 -d"),
        (b"\x1f\x9d\x90", "uncompress"),
    ],
)
def test_what_is_packed_otherwise_is_refused_with_the_command_that_unpacks_it(
    start, command, tmp_path
):
    path = tmp_path / "graph.obo.packed"
    path.write_bytes(start + bytes(range(256)))

    with pytest.raises(GraphError, match=f"{command} graph.obo.packed"):
        read_graph(path)


def test_a_tar_archive_is_refused(tmp_path):
    (tmp_path / "a.obo").write_text(OBO)
    path = tmp_path / "graph.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "a.obo", "a.obo")

    with raises("unsupported-archive"):
        read_graph(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"PK\1\2", b"PK\1\x09"), (b"PK\1\2\x14\3\x14", b"PK\1\2\x14\3\xff")],
    ids=["directory", "version"],
)
def test_a_damaged_archive_is_refused(old, new, tmp_path):
    path = archive_of(tmp_path / "graph.zip", **{"a.obo": OBO, "b.obo": OBO})
    path.write_bytes(path.read_bytes().replace(old, new, 1))

    with raises("damaged-archive"):
        read_graph(path)


def test_the_growth_of_all_members_of_an_archive_counts(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.nt", b" " * (8 << 20))

    with raises("expands-too-much"):
        read_graph(path)


def test_a_compressed_file_within_an_archive_is_refused(tmp_path):
    path = archive_of(tmp_path / "graph.zip", **{"a.obo.gz": gzip.compress(OBO.encode())})

    with raises("nested-archive"):
        read_graph(path)

"""The artifact store keeps names whole or not at all, alike under a folder and an S3-compatible server."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.fetching import fetch_file, fetch_folder
from workers.store import FileStore, NotStored, Store, StoreError, StoreFull, open_store


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(f"file://{tmp_path}" if request.param == "file" else request.getfixturevalue("s3_root"))


def test_what_is_written_is_read_again(store: Store) -> None:
    store.write("a/b.bin", b"\x00\xff")
    store.write("a/b.bin", b"newer")
    assert store.read("a/b.bin") == b"newer"
    assert store.exists("a/b.bin")
    assert not store.exists("a")
    assert list(open_store(f"{store.root}/a").names()) == ["b.bin"]
    assert "a/b.bin" in list(store.names())


def test_what_is_removed_is_gone_and_nothing_beside_it(store: Store) -> None:
    one, other = open_store(f"{store.root}/id"), open_store(f"{store.root}/id.2")
    for root in (one, other):
        root.write("results/0.json", b"{}")
        root.write("crops/a.jpg", b"x")
    one.remove("results/0.json")
    one.remove("results/0.json")
    assert list(one.names()) == ["crops/a.jpg"]
    one.clear()
    one.clear()
    assert list(one.names()) == []
    assert list(other.names()) == ["crops/a.jpg", "results/0.json"]


def test_a_missing_name_is_said(store: Store) -> None:
    assert not store.exists("nothing/here")
    with pytest.raises(NotStored, match="nothing/here"):
        store.read("nothing/here")


@given(name=st.sampled_from(["../x", "/etc/passwd", "a/../../x", ""]))
def test_no_name_leads_out_of_the_root(name: str) -> None:
    with pytest.raises(StoreError, match="no name of an artifact"):
        FileStore(root="file:///nowhere").read(name)


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(tmp_path))
    store.write("kept", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull, match="kept"):
        store.write("kept", b"new")
    assert store.read("kept") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "my photos #2 (100 %)?"
    store = open_store(f"file://{folder}")
    store.write("tiles/one", b"content")
    assert (folder / "tiles" / "one").read_bytes() == b"content"
    assert store.read("tiles/one") == b"content"


@pytest.mark.parametrize("root", ["http://x/y", "s3://", "file://host/x"])
def test_other_addresses_are_refused_in_words(root: str) -> None:
    with pytest.raises(StoreError, match="neither"):
        open_store(root)


def test_folders_and_files_come_from_s3(s3_root: str, tmp_path: Path) -> None:
    source = open_store(f"{s3_root}/set")
    source.write("index.csv", b"x")
    source.write("images/1.jpg", b"y")
    folder = fetch_folder(source.root, cache=tmp_path, max_bytes=10**9)
    assert (folder / "images" / "1.jpg").read_bytes() == b"y"
    assert fetch_file(f"{source.root}/index.csv", cache=tmp_path, max_bytes=10**9).read_bytes() == b"x"
    assert fetch_file("/some/where", cache=tmp_path, max_bytes=10**9) == Path("/some/where")

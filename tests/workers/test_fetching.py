"""What was fetched from s3:// is what the store holds now, and takes no more than its share of the disk."""

import json
from pathlib import Path

import pytest

from workers.engine.networks.checkpoints import list_files
from workers.fetching import fetch_file, fetch_folder
from workers.store import NotStored, StoreError, open_store

ENOUGH = 10**9


def test_an_object_that_was_replaced_is_fetched_again(s3_root: str, tmp_path: Path) -> None:
    source = open_store(f"{s3_root}/weights")
    source.write("best.pth", b"epoch 1")
    address = f"{source.root}/best.pth"
    path = fetch_file(address, cache=tmp_path, max_bytes=ENOUGH)
    fetched_at = path.stat().st_ino
    assert fetch_file(address, cache=tmp_path, max_bytes=ENOUGH).stat().st_ino == fetched_at, "not fetched again"
    source.write("best.pth", b"epoch 2")
    assert fetch_file(address, cache=tmp_path, max_bytes=ENOUGH).read_bytes() == b"epoch 2"
    path.write_bytes(b"damaged here")
    assert fetch_file(address, cache=tmp_path, max_bytes=ENOUGH).read_bytes() == b"epoch 2"
    with pytest.raises(NotStored):
        fetch_file(f"{source.root}/last.pth", cache=tmp_path, max_bytes=ENOUGH)


def test_a_folder_follows_its_prefix_and_no_other(s3_root: str, tmp_path: Path) -> None:
    source, beside = open_store(f"{s3_root}/dogs"), open_store(f"{s3_root}/dogs2")
    source.write("a.jpg", b"a")
    source.write("old/b.jpg", b"b")
    beside.write("c.jpg", b"c")
    folder = fetch_folder(source.root, cache=tmp_path, max_bytes=ENOUGH)
    assert sorted(path.name for path in folder.rglob("*.jpg")) == ["a.jpg", "b.jpg"]
    source.write("a.jpg", b"A")
    source.write("d.jpg", b"d")
    client = source._client  # type: ignore[attr-defined]
    client.delete_object(Bucket=source.bucket, Key=source._key("old/b.jpg"))  # type: ignore[attr-defined]
    folder = fetch_folder(source.root, cache=tmp_path, max_bytes=ENOUGH)
    assert {path.name: path.read_bytes() for path in folder.rglob("*.jpg")} == {"a.jpg": b"A", "d.jpg": b"d"}


def test_what_was_used_longest_ago_makes_room(s3_root: str, tmp_path: Path) -> None:
    addresses = []
    for name in ("one", "two", "three"):
        source = open_store(f"{s3_root}/room-{name}")
        source.write("a.jpg", bytes(1000))
        addresses.append(source.root)
    first, second = (fetch_folder(address, cache=tmp_path, max_bytes=2500) for address in addresses[:2])
    fetch_folder(addresses[0], cache=tmp_path, max_bytes=2500)
    third = fetch_folder(addresses[2], cache=tmp_path, max_bytes=2500)
    assert [folder.exists() for folder in (first, second, third)] == [True, False, True]
    with pytest.raises(StoreError, match="UNITSCOPE_CACHE_GB"):
        fetch_folder(addresses[0], cache=tmp_path, max_bytes=999)


def test_a_store_that_does_not_answer_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreError, match="does not answer"):
        fetch_folder("s3://bucket/set", cache=tmp_path, max_bytes=ENOUGH)


def test_the_files_that_a_checkpoint_consists_of_come_together(s3_root: str, tmp_path: Path) -> None:
    source = open_store(f"{s3_root}/shards")
    first, second = (f"model-0000{i}-of-00002.safetensors" for i in (1, 2))
    index = json.dumps({"weight_map": {"a": first, "b": second}}).encode()
    for name, content in ((first, b"1"), ("model.safetensors.index.json", index)):
        source.write(name, content)

    def fetch(name: str) -> Path:
        return fetch_file(f"{source.root}/{name}", cache=tmp_path, max_bytes=ENOUGH, beside=list_files)

    assert sorted(path.name for path in fetch(first).parent.iterdir()) == [first], "reading it says what is missing"
    source.write(second, b"2")
    for name in (first, "model.safetensors.index.json"):
        folder = fetch(name).parent
        assert {path.read_bytes() for path in map(folder.joinpath, (first, second))} == {b"1", b"2"}
    numbers = [path.stat().st_ino for path in sorted(fetch(first).parent.iterdir())]
    assert [path.stat().st_ino for path in sorted(fetch(first).parent.iterdir())] == numbers, "not fetched again"

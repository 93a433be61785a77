"""Crops come out of the sheet at the right place, to signed-in people only, and may be kept for good."""

import contextlib
import hashlib
import io
import socket
import struct
import threading
import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from PIL import Image as Picture

from annotator.dashboard.units import outlines
from annotator.dashboard.units.crop_views import GAP_PX, compose_wall
from annotator.units import strips
from annotator.units.models import DissectedUnit, Dissection
from tests.annotator.crowd.making import TILE_PX, color_of
from tests.annotator.dashboard.making import N_LOW, N_TOP, World
from workers import store
from workers.engine.format.artifact import field_name, tile_name
from workers.store import open_store


def test_the_sheet_is_sent_as_it_is_stored(world: World, viewer: Client) -> None:
    row = world.units()[2]
    response = viewer.get(f"/crops/{row.dissection_id}/{row.strip}.jpg")
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    with Picture.open(io.BytesIO(response.content)) as strip:
        assert strip.size == (TILE_PX, TILE_PX * (N_TOP + N_LOW))


def test_blank_tiles_count_where_a_set_has_too_few_images(world: World, viewer: Client) -> None:
    """A strip has a tile for each rank that was asked for: the page finds the tiles by its whole height."""
    row = world.units()[2]
    DissectedUnit.objects.filter(pk=row.pk).update(n_top=N_TOP - 2, n_low=N_LOW - 1)
    page = viewer.get(f"/units/{row.unit.layer.network.name}/{row.unit.layer.path}/{row.unit.index}/")
    assert f'--n: {N_TOP + N_LOW}"' in page.content.decode()


@pytest.mark.parametrize(("columns", "rows"), [(4, 3), (1, 1), (2, 2), (3, 4)])
def test_a_wall_shows_the_first_ranks_row_by_row(world: World, columns: int, rows: int) -> None:
    row = world.units()[1]
    artifact = world.dissection.artifact
    packed = compose_wall(artifact=artifact, strip=row.strip, columns=columns, rows=rows)
    with Picture.open(io.BytesIO(packed)) as wall:
        step = TILE_PX + GAP_PX
        assert wall.size == (columns * step - GAP_PX, rows * step - GAP_PX)
        for rank in range(columns * rows):
            center = (rank % columns * step + TILE_PX // 2, rank // columns * step + TILE_PX // 2)
            shown = wall.getpixel(center)
            assert isinstance(shown, tuple)
            assert max(abs(a - b) for a, b in zip(shown, color_of(seed=1, rank=rank), strict=True)) < 10


def test_a_wall_larger_than_the_sheet_shows_what_there_is(world: World, viewer: Client) -> None:
    row = world.units()[0]
    response = viewer.get(f"/crops/{row.dissection_id}/{row.strip}-8x8.jpg")
    with Picture.open(io.BytesIO(response.content)) as wall:
        assert wall.size == (8 * (TILE_PX + GAP_PX) - GAP_PX,) * 2


def test_an_absent_sheet_is_said_to_be_absent(world: World, viewer: Client) -> None:
    for address in (
        f"/crops/{world.dissection.pk}/{'0' * 64}.jpg",
        f"/crops/{world.dissection.pk}/{'0' * 64}-4x3.jpg",
        f"/crops/{uuid.uuid4()}/{'0' * 64}.jpg",
        f"/crops/{world.dissection.pk}/{world.units()[0].strip}-9x1.jpg",
        f"/crops/{world.dissection.pk}/..%2f..%2fsecrets.jpg",
    ):
        assert viewer.get(address).status_code == 404, address


def test_crops_are_not_shown_to_who_is_signed_out(world: World) -> None:
    row = world.units()[0]
    for ending in (".jpg", "-4x3.jpg"):
        assert Client().get(f"/crops/{row.dissection_id}/{row.strip}{ending}").status_code == 302


def test_a_units_empirical_field_is_shown_where_it_was_estimated(world: World, viewer: Client) -> None:
    address, row = "/units/net/features.3/1/", world.units()[1]
    assert "This dissection did not estimate it" in viewer.get(address).content.decode()
    drawn = io.BytesIO()
    Picture.new("L", (5, 5), 200).save(drawn, "PNG")
    picture = hashlib.sha256(drawn.getvalue()).hexdigest()
    open_store(world.dissection.artifact).write(field_name(picture), drawn.getvalue())
    for other, size in ((row, 61.0), (world.units()[2], 81.0)):
        DissectedUnit.objects.filter(pk=other.pk).update(empirical_size_px=size, empirical_picture=picture)
    page = viewer.get(address).content.decode()
    assert "61 px" in page
    assert "71 ± 10 px" in page
    shown = viewer.get(f"/fields/{row.dissection_id}/{picture}.png")
    assert (shown.headers["Content-Type"], shown.content) == ("image/png", drawn.getvalue())
    assert viewer.get(f"/fields/{row.dissection_id}/{'0' * 64}.png").status_code == 404


@contextlib.contextmanager
def endpoint(answer: bytes | None) -> Iterator[str]:
    """An S3 endpoint that sends these bytes to whoever connects, or nothing for a minute, or (b"") resets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    if answer is None:
                        continue
                    if answer:
                        connection.recv(10_000)
                        connection.sendall(answer)
                    else:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    "answer", [None, b"", b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
    ids=["silent", "reset", "503"],
)  # fmt: skip
def test_a_store_that_does_not_answer_is_said_soon_and_not_asked_at_once_again(
    world: World, viewer: Client, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    row = world.units()[0]
    monkeypatch.setattr(store, "S3_READ_SECONDS", 0.3)
    monkeypatch.setattr(strips, "_asked_again_at", {})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    Dissection.objects.filter(pk=row.dissection_id).update(artifact_name=f"s3://bucket/{uuid.uuid4()}")
    with endpoint(answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        for ending in (".jpg", "-4x3.jpg"):
            response = viewer.get(f"/crops/{row.dissection_id}/{row.strip}{ending}")
            assert response.status_code == 503
            assert b"does not answer" in response.content
            assert response.headers["Content-Type"] == "image/svg+xml"
            assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("content", [b"", b"\xff\xd8 not what was written"])
def test_damaged_crops_are_noticed_and_kept_by_no_browser(world: World, viewer: Client, content: bytes) -> None:
    row = world.units()[0]
    strips.read_strip.cache_clear()
    compose_wall.cache_clear()
    open_store(world.dissection.artifact).write(tile_name(row.strip), content)
    for ending in (".jpg", "-4x3.jpg"):
        response = viewer.get(f"/crops/{row.dissection_id}/{row.strip}{ending}")
        assert response.status_code == 404
        assert b"damaged" in response.content
        assert response.headers["Cache-Control"] == "no-store"


def test_the_page_of_a_unit_says_which_pictures_are_missing(world: World, viewer: Client) -> None:
    row = world.units()[1]
    stored = open_store(world.dissection.artifact)
    address = f"/crops/{row.dissection_id}/{row.strip}/missing"
    assert f'hx-get="{address}"' in viewer.get("/units/net/features.3/1/").content.decode()
    part = Client(headers={"HX-Request": "true"})
    part.cookies = viewer.cookies
    whole = stored.read(tile_name(row.strip))
    assert part.get(address).content.strip() == b""
    stored.write(tile_name(row.strip), whole[:-1])
    assert "The crops cannot be shown: damaged in the store." in part.get(address).content.decode()
    DissectedUnit.objects.filter(pk=row.pk).update(empirical_picture="0" * 64)
    told = part.get(address).content.decode()
    assert "The receptive field cannot be shown: missing in the store." in told
    assert world.dissection.artifact_name in told
    stored.write(tile_name(row.strip), whole)
    stored.write(field_name("0" * 64), b"any")
    assert "The receptive field cannot be shown: damaged in the store." in part.get(address).content.decode()
    shown = viewer.get(f"/fields/{row.dissection_id}/{'0' * 64}.png")
    assert (shown.status_code, shown.headers["Cache-Control"]) == (404, "no-store")
    stored.write("manifest.json", b"[]")
    outlines._read_layer_masks.cache_clear()
    assert viewer.get(f"/crops/{row.dissection_id}/{row.strip}.svg").status_code == 404
    DissectedUnit.objects.filter(pk=row.pk).update(empirical_picture="")
    stored.remove("manifest.json")
    assert part.get(address).content.strip() == b""
    assert viewer.get(f"/crops/{row.dissection_id}/{'0' * 64}/missing").status_code == 404

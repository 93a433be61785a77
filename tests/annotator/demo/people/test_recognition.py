"""Recognizing tiles that were cut, dimmed in either way and twice JPEG-coded."""

import io

import numpy as np
import pytest
from PIL import Image

from annotator.demo.people.library import SIDES, THUMB, Library, LibraryUnreadable
from annotator.demo.people.recognition import recognize
from annotator.demo.people.seeing import Viewer, find_labels, key_tile
from annotator.demo.pictures.canvas import LABEL_PX
from annotator.demo.pictures.rendering import render_set
from workers.engine.drawing.dimming import AUTO, FIXED, dim

TILE_PX = 128
N = 20


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "set"
    render_set(folder=folder, n_images=N, seed=11, n_jobs=1)
    return Library(folder)


def code_as_jpeg(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def cut_tile(library, *, image, left, top, side, center, radius, dimming=FIXED):
    """A tile as crops are made: bright in a disk (center and radius in shares of the side), dimmed outside."""
    with Image.open(library.folder / "images" / library.rows[image]["image"]) as file:
        crop = file.crop((left, top, left + side, top + side)).resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC)
    ys, xs = (np.mgrid[0:TILE_PX, 0:TILE_PX] + 0.5) / TILE_PX
    bright = (xs - center[0]) ** 2 + (ys - center[1]) ** 2 < radius**2
    pixels = dim(np.ascontiguousarray(np.moveaxis(np.asarray(crop), -1, 0)), bright, dimming=dimming)
    pixels = np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
    return code_as_jpeg(code_as_jpeg(pixels, 90), 82), bright


def draw_cuts(n):
    rng = np.random.default_rng(3)
    for _ in range(n):
        side = int(rng.choice([60, 90, 120, 160, 200, 224]))
        left, top = (int(rng.integers(0, 224 - side + 1)) for _ in range(2))
        center = tuple(float(c) for c in rng.uniform(0.35, 0.65, 2))
        yield {"image": int(rng.integers(N)), "left": left, "top": top, "side": side, "center": center,
               "radius": float(rng.uniform(0.25, 0.5))}  # fmt: skip


# By a crop's own brightness, dark crops' segments stand out less from what lies outside.
@pytest.mark.parametrize(("dimming", "share_right"), [(FIXED, 0.92), (AUTO, 0.85)])
def test_nearly_all_tiles_are_recognized_at_their_place_with_their_segment(library, dimming, share_right):
    cuts = list(draw_cuts(30))
    made = [cut_tile(library, **cut, dimming=dimming) for cut in cuts]
    sightings = recognize(np.stack([tile for tile, _ in made]), library)
    right = [
        (s, c, bright) for s, c, (_, bright) in zip(sightings, cuts, made, strict=True) if s and s.image == c["image"]
    ]
    assert len(right) >= share_right * len(cuts)
    misses = [max(abs(s.left - c["left"]), abs(s.top - c["top"]), abs(s.side - c["side"])) for s, c, _ in right]
    assert np.median(misses) <= 3
    agreement = [
        (sighting.bright == bright.reshape(32, 4, 32, 4).mean(axis=(1, 3)).round().astype(bool)).mean()
        for sighting, _, bright in right
    ]
    assert np.median(agreement) > 0.93


def test_pictures_from_elsewhere_are_not_recognized(library):
    rng = np.random.default_rng(5)
    strangers = rng.integers(0, 256, (4, 8, 8, 3)).astype(np.uint8).repeat(16, axis=1).repeat(16, axis=2)
    assert recognize(strangers, library) == [None] * 4


def test_cuts_are_means_of_the_picture(library):
    box, n = np.array([[20, 40, 64]]), 4
    cells = library.cut(np.array([7]), box, n)[0]
    half = library.half[7].astype(float)
    for row in range(n):
        for column in range(n):
            block = half[20 + row * 8 : 28 + row * 8, 10 + column * 8 : 18 + column * 8]
            assert cells[row, column] == pytest.approx(block.mean(axis=(0, 1)), abs=0.01)


def test_places_hold_squares_of_every_side_with_their_squared_means(library):
    places = library.places
    assert {int(side) for _, _, side in places.boxes} == set(SIDES)
    assert ((places.boxes[:, :2] >= 0) & (places.boxes[:, :2] + places.boxes[:, 2:] <= 224)).all()
    means = places.thumbs[..., THUMB**2 :].reshape(len(places.boxes), N, THUMB, THUMB, 3)
    assert np.allclose(places.thumbs[..., : THUMB**2], (means**2).sum(axis=-1).reshape(len(means), N, -1), rtol=1e-4)


def test_a_tile_is_looked_at_once_wherever_it_stands(library, monkeypatch):
    viewer = Viewer(library)
    tiles = np.stack([cut_tile(library, **cut)[0] for cut in draw_cuts(4)])
    first = viewer.look(tiles)
    monkeypatch.setattr("annotator.demo.people.seeing.recognize", lambda *a: pytest.fail("looked again"))
    assert viewer.look(tiles[::-1]) == first[::-1]
    # The rim may differ between sheets; what lies within does not.
    changed = tiles.copy()
    changed[:, :2] = 0
    assert [key_tile(tile) for tile in changed] == [key_tile(tile) for tile in tiles]


def test_a_whole_picture_shows_what_fills_it_and_what_it_holds_whole(library):
    image = next(i for i, row in enumerate(library.rows) if row["image"].startswith("object/bus"))
    tile, _ = cut_tile(library, image=image, left=0, top=0, side=224, center=(0.5, 0.5), radius=2)
    (sighting,) = recognize(tile[None], library)
    assert sighting is not None
    assert sighting.image == image
    shown = {library.label_of[number] for number in find_labels(library, sighting)}
    assert ("object", "bus") in shown
    share = max((labels > 0).sum() for labels in library.read_labels(image)) / LABEL_PX**2
    assert share > 0.9


def test_base_rates_are_shares_of_pictures(library):
    rates = Viewer(library).base_rates
    assert rates
    assert all(0 < rate <= 1 for rate in rates.values())


def test_a_folder_that_is_no_set_is_refused_in_words(tmp_path):
    with pytest.raises(LibraryUnreadable, match="cannot be used as an image set"):
        Library(tmp_path)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory, library):
    """Pictures in folders named by what they show, not square, one of them damaged."""
    folder = tmp_path_factory.mktemp("photographs")
    for image in range(12):
        place = folder / ("fire-trucks" if image % 2 else "Eulen")
        place.mkdir(exist_ok=True)
        with Image.open(library.folder / "images" / library.rows[image]["image"]) as file:
            file.convert("RGB").resize((260, 300)).save(place / f"{image}.png")
    (folder / "Eulen" / "broken.png").write_bytes(b"no picture")
    with Image.open(folder / "Eulen" / "0.png") as file:
        file.save(folder / "loose.png")
    return folder


def test_photographs_in_a_plain_folder_show_their_folders_name_and_colors(photographs):
    own = Library(photographs)
    at = next(i for i, row in enumerate(own.rows) if row["image"] == "fire-trucks/1.png")
    with Image.open(photographs / "fire-trucks" / "1.png") as file:
        whole = np.asarray(file.resize((224, 258), Image.Resampling.BILINEAR).crop((0, 17, 224, 241)))
    tile = Image.fromarray(whole).resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC)
    (sighting,) = recognize(code_as_jpeg(np.asarray(tile), 85)[None], own)
    assert (sighting.image, sighting.side) == (at, 224)
    shown = {own.label_of[number] for number in find_labels(own, sighting)}
    assert ("object", "fire-trucks") in shown
    assert {category for category, _ in shown} == {"object", "color"}
    assert own.read_labels(len(own.rows) - 1)[1].max() == 0, "it lies in no folder"
    assert ("object", "Eulen") in own.label_of.values()


def test_ones_own_label_maps_may_have_another_size_and_unknown_concepts(tmp_path, library):
    (tmp_path / "images").mkdir()
    with Image.open(library.folder / "images" / library.rows[0]["image"]) as file:
        file.save(tmp_path / "images" / "a.png")
    Image.fromarray(np.full((37, 50, 3), (7, 0, 0), np.uint8)).save(tmp_path / "images" / "a_map.png")
    (tmp_path / "index.csv").write_text("image,split,ih,iw,sh,sw,gadget,object\na.png,train,224,224,37,50,,a_map.png\n")
    (tmp_path / "label.csv").write_text("number,name,category,frequency,coverage,syns\n7,lamp_post,object(1),1,1,\n")
    own = Library(tmp_path)
    (labels,) = own.read_labels(0)
    assert labels.shape == (LABEL_PX, LABEL_PX)
    assert set(labels.ravel()) == {7}
    assert own.label_of == {7: ("object", "lamp_post")}


def test_boxes_and_labels_of_whole_photographs_are_seen(tmp_path, library):
    for name in ("a", "b", "broken"):
        with Image.open(library.folder / "images" / library.rows[0]["image"]) as file:
            file.convert("RGB").resize((300, 200)).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    rows = ["a,lamp,0,0,150,200", "a,table,75,100,300,200", "b,lamp,,,,", "broken,lamp,0,0,9,9"]
    (tmp_path / "index.csv").write_text("\n".join(["image,label,x0,y0,x1,y1", *rows]))
    own = Library(tmp_path)
    number = {name: number for number, (_, name) in own.label_of.items()}
    lamp, table = (
        next(labels == number[name] for labels in own.read_labels(0) if number[name] in labels)
        for name in ("lamp", "table")
    )
    assert (lamp[:, : LABEL_PX // 2].all(), lamp.mean()) == (True, 0.5)
    assert (table[LABEL_PX // 2 :, LABEL_PX // 4 :].all(), table.mean()) == (True, 0.375)
    assert {int(one) for labels in own.read_labels(1) for one in labels.ravel()} == {number["lamp"]}
    assert own.read_labels(2) == ()

"""Reading pictures: every kind becomes 8-bit RGB, and what is broken is named."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from common.preprocess.pictures import BrokenPicture, Picture, jpeg_size, read_picture, reduction_for
from common.utils.errors import UserError


def smooth(height: int = 60, width: int = 80) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    channels = [128 + 120 * np.sin(columns / 9 + i) * np.cos(rows / 7 - i) for i in range(3)]
    return np.stack(channels, -1).astype(np.uint8)


def encoded(kind: str, picture: Image.Image | None = None, **options) -> bytes:
    stream = io.BytesIO()
    (picture or Image.fromarray(smooth())).save(stream, kind, **options)
    return stream.getvalue()


def converted(mode: str) -> Image.Image:
    return Image.fromarray(smooth()).convert(mode)


def of_16_bits(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture.astype(np.uint16) * 257)[1].tobytes()


KINDS = {
    "png": (encoded("PNG"), 0),
    "jpeg": (encoded("JPEG", quality=98), 3),
    "progressive jpeg": (encoded("JPEG", quality=98, progressive=True), 3),
    "webp": (encoded("WEBP", quality=98), 6),
    "bmp": (encoded("BMP"), 0),
    "tiff": (encoded("TIFF"), 0),
    "cmyk": (encoded("JPEG", converted("CMYK"), quality=98), 4),
    "rgba": (encoded("PNG", converted("RGBA")), 0),
    "16 bits": (of_16_bits(smooth()[..., ::-1]), 0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_becomes_8_bit_rgb(kind, tmp_path):
    data, tolerance = KINDS[kind]
    path = tmp_path / "picture"
    path.write_bytes(data)
    for source in (data, path, str(path)):
        picture = read_picture(source)
        assert picture.dtype == np.uint8 and picture.shape == (60, 80, 3)
        assert np.abs(picture.astype(int) - smooth()).mean() <= tolerance


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_pictures_have_three_equal_channels(bits):
    grey = smooth()[..., 0]
    data = encoded("PNG", Image.fromarray(grey)) if bits == 8 else of_16_bits(grey)
    np.testing.assert_array_equal(read_picture(data), np.repeat(grey[..., None], 3, 2))


@pytest.mark.parametrize(
    "array",
    [
        smooth(),
        smooth().astype(np.uint16) * 257,
        np.concatenate([smooth(), np.full((60, 80, 1), 9, np.uint8)], 2),
    ],
    ids=["8 bits", "16 bits", "rgba"],
)
def test_arrays_are_taken_as_rgb(array):
    np.testing.assert_array_equal(read_picture(array), smooth())


def test_grey_arrays_have_three_equal_channels():
    grey = smooth()[..., 0]
    np.testing.assert_array_equal(read_picture(grey), read_picture(grey[..., None]))
    assert read_picture(grey).shape == (60, 80, 3)


def test_only_the_caller_decides_whether_a_camera_turned_the_picture():
    tag = Image.Exif()
    tag[0x112] = 6
    data = encoded("JPEG", exif=tag, quality=98)
    assert read_picture(data).shape == (60, 80, 3)
    upright = read_picture(data, upright=True)
    assert upright.shape == (80, 60, 3)
    np.testing.assert_array_equal(upright, np.rot90(read_picture(data), -1))


def test_a_picture_of_one_pixel_is_a_picture():
    assert read_picture(encoded("PNG", Image.new("RGB", (1, 1), (1, 2, 3)))).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("kind", ["png", "jpeg", "progressive jpeg", "webp", "cmyk"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_picture_cut_short_is_refused_wherever_it_was_cut(kind, share):
    data = KINDS[kind][0]
    with pytest.raises(BrokenPicture, match=r"cut short|damaged|decoded"):
        read_picture(data[: int(share * len(data))])


def test_a_thumbnail_inside_does_not_hide_that_a_picture_is_cut_short():
    whole = encoded("JPEG", quality=98)
    thumbnail = encoded("JPEG", Image.new("RGB", (8, 8)))
    head = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    data = whole[:2] + head + whole[2:]
    assert read_picture(data).shape == (60, 80, 3)
    with pytest.raises(BrokenPicture, match="cut short"):
        read_picture(data[:-200])


def test_an_error_names_the_file_the_person_and_what_is_wrong(tmp_path):
    missing, empty, text = tmp_path / "gone.jpg", tmp_path / "empty.jpg", tmp_path / "text.jpg"
    empty.write_bytes(b"")
    text.write_text("no picture")
    for path, reason in (
        (missing, "is missing"),
        (empty, "is empty"),
        (text, "no picture"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(BrokenPicture, match=reason) as error:
            read_picture(path, name="EHF/42")
        assert str(path) in str(error.value) and "EHF/42" in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros(3, np.uint8),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array):
    with pytest.raises(BrokenPicture):
        read_picture(array)


def test_a_broken_picture_can_be_caught_as_a_users_error():
    assert issubclass(BrokenPicture, UserError) and issubclass(BrokenPicture, ValueError)


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_size_of_a_jpeg_is_read_from_its_header(subsampling, progressive):
    options = {"subsampling": subsampling, "progressive": progressive, "exif": b"Exif\x00\x00" + bytes(40)}
    assert jpeg_size(encoded("JPEG", Image.fromarray(smooth(60, 83)), **options)) == (83, 60)
    assert jpeg_size(encoded("PNG")) is None and jpeg_size(b"\xff\xd8\xff\xe0\x00") is None


def test_a_picture_is_reduced_only_as_far_as_its_view_has_pixels():
    assert [reduction_for(zoom) for zoom in (2.0, 0.51, 0.5, 0.26, 0.25, 0.125, 0.01)] == [
        1,
        1,
        2,
        2,
        4,
        8,
        8,
    ]


@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_reduced_pixels_lie_where_the_whole_picture_has_them(reduction):
    rows, columns = np.mgrid[:161, :203].astype(np.float64)
    ramp = np.stack([columns, rows, columns * 0], -1).round().astype(np.uint8)
    data = encoded("JPEG", Image.fromarray(ramp), quality=100, subsampling=0)
    picture = Picture(read_picture(data, reduction=reduction), (203, 161), reduction)
    assert picture.pixels.shape == (-(-161 // reduction), -(-203 // reduction), 3)
    place = picture.reduced_map(np.array([[1.0, 0, 0], [0, 1, 0]]))  # reduced pixels -> the whole's
    inside = slice(2, -2)
    y, x = np.mgrid[: picture.pixels.shape[0], : picture.pixels.shape[1]]
    wanted = np.stack([x, y], -1) * place.diagonal() + place[:, 2]
    assert np.abs(picture.pixels[inside, inside, :2] - wanted[inside, inside]).max() <= 1.5

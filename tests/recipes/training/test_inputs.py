"""Data sets, wrong labels and views of the training laboratory."""

import gzip
import lzma
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from recipes.lab import data as _data
from recipes.lab.images import MissingDataError, folders
from recipes.training.inputs import data as _inputs
from recipes.training.inputs import published, views

NEEDS_DATA = pytest.mark.skipif(not _data.folder().exists(), reason=f"needs the data sets in {_data.folder()}")


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv(_data.VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@NEEDS_DATA
@pytest.mark.parametrize(
    ("name", "native", "size"),
    [("MNIST", (1, 28, 28), 32), ("CIFAR-10", (3, 32, 32), 32), ("Imagenette at 96x96", (3, 96, 96), 96)],
)
def test_images_of_the_folder_of_data(name, native, size):
    data = _inputs.load(name, 40, 30)
    assert (len(data.train), len(data.held), data.classes) == (40, 30, 10)
    assert data.train.images.shape == (40, *native)
    pixels = data.pixels(data.train, torch.tensor([3, 5]), size)
    assert pixels.shape == (2, 3, size, size)
    assert 0 <= float(pixels.min()) < float(pixels.max()) <= 1
    assert float(data.normal(pixels).mean().abs()) < 1.5
    if name == "MNIST":
        assert float(pixels[:, :, :2].abs().max()) == 0  # a margin, not a stretched image
        assert torch.equal(pixels[:, 0, 2:-2, 2:-2], data.train.images[[3, 5], 0] / 255)
    if name.startswith("Imagenette"):
        assert sorted(set(data.train.labels.tolist())) == list(range(10))


def test_images_of_another_size_are_scaled():
    data = _inputs.load("digits", 20, 20)
    pixels = data.pixels(data.held, slice(5), 32)
    assert pixels.shape == (5, 3, 32, 32)
    means = pixels[:, 0].mean((1, 2))
    assert torch.allclose(means, data.held.images[:5, 0].float().mean((1, 2)) / 255, atol=0.02)


def test_wrong_labels_are_one_permutation_of_all():
    labels = torch.arange(1000) % 10
    wrong = _inputs.wrong(labels, 1)
    assert torch.equal(wrong.bincount(), labels.bincount())
    assert 0.05 < float((wrong == labels).double().mean()) < 0.15
    assert torch.equal(wrong, _inputs.wrong(labels, 1))
    assert not torch.equal(wrong, _inputs.wrong(labels, 2))


def test_an_extended_data_set_repeats_its_images():
    data, plain = _inputs.load("digits", 30, 20, 75), _inputs.load("digits", 30, 20)
    assert len(data.train) == 75
    assert torch.equal(data.train.images[torch.tensor([0, 31, 74])], plain.train.images[[0, 1, 14]])
    assert torch.equal(data.train.labels[:60], plain.train.labels.repeat(2))


def test_a_half_there_data_set_names_the_file(empty):
    (empty / "mnist").mkdir()
    (empty / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(16)))
    with pytest.raises(MissingDataError, match=r"no file .*train-labels-idx1-ubyte.gz; .*download=True.*--data DIR"):
        _inputs.load("MNIST", 10, 10)
    (empty / "imagenette96" / "train" / "a").mkdir(parents=True)
    (empty / "imagenette96" / "classes.csv").write_text("wnid,name\na,tench\n")
    with pytest.raises(MissingDataError, match=r"no images in .*imagenette96/train/a; put a folder"):
        _inputs.load("Imagenette at 96x96", 10, 10)


def _mnist(folder, count):
    """`count` images per part, of which the pixels are all `count`."""
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        for name, shape in (("images-idx3", (count, 28, 28)), ("labels-idx1", (count,))):
            _idx(folder / "raw", np.full(shape, count % 10))
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress((folder / "raw").read_bytes()))


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("train-images-idx3-ubyte.gz", lambda raw: raw[:-9]),
        ("t10k-labels-idx1-ubyte.gz", lambda raw: gzip.compress(gzip.decompress(raw)[:-1])),
        ("t10k-images-idx3-ubyte.gz", lambda raw: b"<html>moved</html>"),
        ("train-labels-idx1-ubyte.gz", lambda raw: b""),
    ],
)
def test_a_damaged_file_of_mnist_is_named(empty, file, damage):
    _mnist(empty / "mnist", 12)
    assert len(_inputs.load("MNIST", 12, 12).held) == 12
    path = empty / "mnist" / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MissingDataError, match=rf"{file} is cut off or damaged \(.*\); put the four .gz files"):
        _inputs.load("MNIST", 11, 11)


@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_batch_of_cifar_is_named(empty, packed):
    folder = empty / "cifar-10-batches-py"
    folder.mkdir()
    raw = pickle.dumps({b"data": np.zeros((5, 3072), np.uint8), b"labels": [0] * 5})
    pack, ending = (lzma.compress, ".xz") if packed else (bytes, "")
    for part in ("data_batch_1", "test_batch"):
        (folder / f"{part}{ending}").write_bytes(pack(raw))
    assert _inputs.load("CIFAR-10", 5, 5).train.images.shape == (5, 3, 32, 32)
    (folder / f"test_batch{ending}").write_bytes(pack(raw)[:-20])
    with pytest.raises(MissingDataError, match=rf"test_batch{ending} is cut off or damaged \(.*Python batches"):
        _inputs.load("CIFAR-10", 4, 4)


def test_a_damaged_image_is_named(tmp_path, rng):
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "classes.csv").write_text("wnid,name\na,x\n")
    path = tmp_path / "train" / "a" / "0.JPEG"
    Image.fromarray(rng.integers(256, size=(64, 64, 3)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(MissingDataError, match=r"a/0.JPEG is cut off or damaged \(OSError: .*; put a folder of images"):
        folders(tmp_path, "train")


def test_fewer_images_than_are_asked_for_are_no_data_set(empty):
    with pytest.raises(MissingDataError, match=r"1001 training images of digits are asked for, .* has 1000"):
        _inputs.load("digits", 1001, 10)
    with pytest.raises(MissingDataError, match=r"798 held-out images of digits are asked for, .* has 797"):
        _inputs.load("digits", 1000, 798)


def test_another_folder_is_read_though_the_first_is_remembered(tmp_path, monkeypatch):
    for count in (12, 13):
        _mnist(tmp_path / str(count) / "mnist", count)
        monkeypatch.setenv(_data.VARIABLE, str(tmp_path / str(count)))
        assert int(_inputs.load("MNIST", 12, 12).train.images[0, 0, 0, 0]) == count % 10


def test_a_data_set_that_nobody_offers_says_what_to_put_where(empty):
    with pytest.raises(
        MissingDataError, match=r"no file .*imagenette96/classes\.csv; put a folder of images per class"
    ):
        _inputs.load("Imagenette at 96x96", 10, 10)


def test_an_unknown_data_set_lists_the_known(empty):
    with pytest.raises(MissingDataError, match=r"no data set 'cats' under .*; known by torchvision: MNIST, CIFAR-10"):
        _inputs.load("cats")


def test_what_torchvision_says_of_data_it_cannot_get_is_handed_on(empty):
    with pytest.raises(MissingDataError, match=r"StanfordCars is not in .*\(RuntimeError: .*--data DIR"):
        _inputs.load("StanfordCars")


def _idx(path, values):
    magic = 2048 + values.ndim
    head = b"".join(int(k).to_bytes(4, "big") for k in (magic, *values.shape))
    path.write_bytes(head + values.astype(np.uint8).tobytes())


def test_mnist_in_torchvisions_own_layout(empty, rng):
    raw = empty / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images, labels = rng.integers(256, size=(12, 28, 28)), np.arange(12) % 10
    for part in ("train", "t10k"):
        _idx(raw / f"{part}-images-idx3-ubyte", images)
        _idx(raw / f"{part}-labels-idx1-ubyte", labels)
    data = _inputs.load("MNIST")
    assert np.array_equal(data.train.images[:, 0], images)
    assert data.held.labels.tolist() == labels.tolist()


def test_tiny_imagenet_finds_held_out_classes_in_the_table(empty, rng):
    root = empty / "tiny-imagenet-200"
    for folder in ("train/a/images", "train/b/images", "val/images"):
        (root / folder).mkdir(parents=True)
        for k in range(2):
            pixels = rng.integers(256, size=(64, 80, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{k}.JPEG")
    with pytest.raises(MissingDataError, match=r"val_annotations\.txt; unpack tiny-imagenet-200\.zip"):
        _inputs.load("Tiny-ImageNet")
    (root / "val" / "val_annotations.txt").write_text("0.JPEG\tb\t0\t0\n1.JPEG\ta\t0\t0\n")
    data = _inputs.load("Tiny-ImageNet")
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.held.labels.tolist() == [1, 0]
    assert data.pixels(data.train, torch.tensor([0, 3]), 224).shape == (2, 3, 224, 224)
    with pytest.raises(TypeError):  # read one by one, never all at once
        len(data.train.images)


def test_labels_that_people_gave(tmp_path):
    clean = np.arange(20) % 10
    torch.save({"clean_label": clean, "worse_label": clean[::-1].copy()}, tmp_path / "CIFAR-10_human.pt")
    found = published.human_labels(tmp_path / "CIFAR-10_human.pt", "worse_label", clean[:12])
    assert found.tolist() == clean[::-1][:12].tolist()
    with pytest.raises(ValueError, match="is of other images"):
        published.human_labels(tmp_path / "CIFAR-10_human.pt", "worse_label", clean[1:])
    with pytest.raises(MissingDataError, match="CIFAR-10N publishes it"):
        published.human_labels(tmp_path / "absent.pt", "worse_label", clean)


def test_images_come_class_by_class_by_turns(tmp_path, rng):
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for k in range(3):
            Image.fromarray(np.full((8, 8, 3), 10 * k, np.uint8)).save(tmp_path / "train" / name / f"{k}.png")
    (tmp_path / "classes.csv").write_text("wnid,name\na,x\nb,y\n")
    images, labels = folders(tmp_path, "train", 4)
    assert labels.tolist() == [0, 1, 0, 1]
    assert images[:, 0, 0, 0].tolist() == [0, 0, 10, 10]


@pytest.fixture
def images():
    return torch.rand(40, 3, 32, 32)


@pytest.mark.parametrize("view", [views.supervised, views.contrastive])
def test_views_stay_images_and_differ(view, images):
    one, other = view(images, grey=False), view(images, grey=False)
    assert one.shape == images.shape
    assert float(one.min()) >= -1e-6
    assert float(one.max()) <= 1 + 1e-6
    assert not torch.equal(one, other)
    torch.manual_seed(1)
    again = view(images, grey=False)
    torch.manual_seed(1)
    assert torch.equal(again, view(images, grey=False))


def test_the_plain_view_is_the_image(images):
    assert views.plain(images, grey=False) is images


def test_colours_of_grey_images_stay(images):
    grey = images[:, :1].expand(-1, 3, -1, -1)
    seen = views.contrastive(grey, grey=True)
    assert torch.allclose(seen[:, 0], seen[:, 2], atol=1e-6)
    flat = torch.full((200, 3, 8, 8), 0.5)
    assert torch.allclose(views.supervised(flat, grey=True), flat, atol=1e-5)
    changed = (views.supervised(flat, grey=False) - flat).abs().amax((1, 2, 3)) > 1e-3
    assert 0.25 < float(changed.double().mean()) < 0.55  # brightness of two in five


def test_a_single_image_has_views_whatever_is_drawn(images):
    seen = torch.cat([views.contrastive(images[:1], grey=False) for _ in range(40)])
    assert seen.shape == (40, 3, 32, 32)
    assert bool(seen.isfinite().all())


def test_hue_turns_colours_and_leaves_grey():
    turns = views._turns(torch.tensor([0.1, -0.2]))
    assert torch.allclose(turns @ torch.ones(3), torch.ones(2, 3), atol=1e-6)
    assert torch.allclose(turns @ turns.transpose(1, 2), torch.eye(3).expand(2, 3, 3), atol=1e-5)
    third = views._turns(torch.tensor([1 / 3]))[0]
    assert torch.allclose(third @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-5)


def test_a_fifth_of_the_views_is_grey():
    seen = views._greyed(torch.rand(500, 3, 4, 4))
    share = float((seen[:, 0] - seen[:, 1]).abs().amax((1, 2)).lt(1e-6).double().mean())
    assert 0.14 < share < 0.26


def test_half_are_in_a_mirror_and_crops_are_large_parts():
    ramp = torch.linspace(0, 1, 32).expand(400, 3, 32, 32)
    seen = views._cropped(ramp)
    extent = seen[:, 0, 16, -1] - seen[:, 0, 16, 0]
    assert 0.4 < float((extent < 0).double().mean()) < 0.6
    assert float(extent.abs().min()) > 0.6
    assert float(extent.abs().max()) <= 1.0


def test_blur_keeps_the_mean_and_lessens_the_contrast(images):
    seen = views._blurred(images)
    blurred = (seen - images).abs().amax((1, 2, 3)) > 1e-3
    assert 0.25 < float(blurred.double().mean()) < 0.75
    assert torch.allclose(seen.mean((2, 3)), images.mean((2, 3)), atol=0.01)
    assert float(seen[blurred].std()) < 0.9 * float(images[blurred].std())

"""The study of ImageNet models: timm's tables, features of any classifier, what is skipped, kept and run again."""

import numpy as np
import pytest
import timm
import torch

import recipes
from recipes.lab.data import folder
from recipes.models import timm_features as tf
from recipes.models.timm_table import is_transformer, models

STUDY = recipes.load("imagenet-models")
needs_data = pytest.mark.skipif(not folder().exists(), reason="the folder of data is not here")


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(tf, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


@needs_data
@pytest.mark.parametrize(("age", "count"), [("2023", 1002), ("2026", 1556)])
def test_both_tables_of_an_age_are_merged(age, count):
    found = models(age)
    assert len(found) == count
    assert len({(model.name, model.img_size) for model in found.values()}) == count
    giant = found["eva_giant_patch14_336.clip_ft_in1k"]
    assert giant.parameters == pytest.approx(1013.01)
    assert giant.img_size == 336
    assert giant.real_top1 - giant.top1 == pytest.approx(1.6, abs=0.05)


@needs_data
def test_the_table_of_the_paper_is_as_it_is_told():
    found = models("2023").values()
    top1, real = (np.array([getattr(model, name) for model in found]) for name in ("top1", "real_top1"))
    assert np.corrcoef(top1, real)[0, 1] == pytest.approx(0.987, abs=2e-3)
    assert sum(model.img_size == 224 for model in found) == 502
    assert (top1.min(), top1.max()) == pytest.approx((57.91, 90.05), abs=0.01)


@pytest.mark.parametrize(
    ("name", "so"),
    [
        ("vit_base_patch16_224.augreg_in1k", True),
        ("swinv2_tiny_window8_256.ms_in1k", True),
        ("deit3_small_patch16_224.fb_in1k", True),
        ("caformer_s18.sail_in1k", True),
        ("convformer_s18.sail_in1k", False),
        ("resnet50.a1_in1k", False),
        ("convnext_tiny.fb_in1k", False),
        ("repvit_m1.dist_450e_in1k", False),
        ("mixer_b16_224.goog_in21k_ft_in1k", False),
    ],
)
def test_transformers_are_told_by_their_names(name, so):
    assert is_transformer(name) is so


@pytest.mark.parametrize("name", ["resnet10t", "levit_128s", "mobilenetv3_small_050"])
def test_features_are_what_timm_calls_the_points_before_the_logits(name):
    torch.manual_seed(0)
    network = timm.create_model(name).eval()
    pixels = torch.randn(5, 3, 224, 224)
    found = tf.forward(network, iter([pixels[:3], pixels[3:]]))
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(pixels), pre_logits=True).flatten(1)
        logits = network(pixels)
    assert found["points"].dtype == np.float16
    assert found["points"] == pytest.approx(expected.numpy(), abs=5e-3)
    assert found["logits"] == pytest.approx(logits.numpy(), abs=5e-3)


def test_features_are_kept_by_weights_and_images(kept, monkeypatch):
    some = tf.images(4, made=True)
    given = {"repeats": 1, "pretrained": False}
    first = tf.features("resnet10t", some, 64, **given)
    monkeypatch.setattr(tf, "forward", None)  # a second pass would fail
    again = tf.features("resnet10t", some, 64, **given)
    assert np.array_equal(first["points"], again["points"])
    assert again["head"] == "fc"
    for other in ((tf.images(8, made=True), 64, 1), (some, 96, 1), (some, 64, 2)):
        with pytest.raises(TypeError):
            tf.features("resnet10t", *other[:2], repeats=other[2], pretrained=False)


def test_where_memory_is_too_small_it_goes_on_on_the_processor(monkeypatch):
    real, tries = tf.forward, []

    def small(network, batches):
        tries.append(next(network.parameters()).device.type)
        if len(tries) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(network, batches)

    monkeypatch.setattr(tf, "forward", small)
    found = tf.features("resnet10t", tf.images(4, made=True), 64, repeats=1, pretrained=False)
    assert found["points"].shape == (4, 512)
    assert tries[1] == "cpu"


def test_a_network_that_does_not_take_the_images_is_skipped_with_the_reason():
    network = timm.create_model("vit_tiny_patch16_224").eval()
    with pytest.raises(tf.SkippedError, match=r"AssertionError: Input height \(64\) doesn't match model \(224\)"):
        tf.forward(network, iter([torch.zeros(2, 3, 64, 64)]))


@needs_data
def test_a_skipped_model_is_a_cell_and_one_without_weights_is_tried_again(monkeypatch):
    name = next(iter(models("2023")))
    key = {"age": "2023", "count": 4, "repeats": 1, "made": True}

    def skipped(*_given, **_rest):
        raise tf.SkippedError("no classifier")

    monkeypatch.setattr(STUDY, "features", skipped)
    assert STUDY.of_model(name, **key) == {"skipped": "no classifier"}

    def away(*_given, **_rest):
        raise ConnectionError("offline")

    monkeypatch.setattr(timm, "create_model", away)
    with pytest.raises(ConnectionError, match="the weights of resnet50 cannot be had: offline"):
        tf.network_of("resnet50", pretrained=True)


def test_random_crops_are_the_same_for_every_network_and_differ_among_themselves():
    some = tf.images(3, made=True)
    network = timm.create_model("resnet10t").eval()
    first, again = (torch.cat(list(tf.tensors(network, some, 48, 3))) for _ in range(2))
    assert first.shape == (9, 3, 48, 48)
    assert torch.equal(first, again)
    assert not torch.equal(first[:3], first[3:6])


@needs_data
def test_squeezenet_with_its_trained_weights_gives_the_features_that_are_stored():
    """The one ImageNet network whose weights are here: BGR, 227 pixels, less the means of its authors."""
    from torchvision.models import squeezenet1_0

    network = squeezenet1_0(weights=None).eval()
    network.load_state_dict(state_of_squeezenet(network))
    some = tf.images(8)
    pixels = torch.stack([bgr(picture) for picture in some.pictures])
    found = tf.forward(network, iter([pixels]))
    with np.load(folder() / "weights" / "imagenet" / "imagenet20-val-embeddings.npz") as stored:
        names = [str(name).split("/")[-1] for name in stored["filename"]]
        at = [names.index(path.name) for path in some.pictures.paths]
        assert np.array_equal(stored["label"][at], some.labels)
        # What is stored comes after the last convolution, the classifier itself: see its input by our path and go on.
        told = stored["squeezenet_v1.0.top1_prediction"][at]
        points = stored["squeezenet_v1.0"][at].astype(float)
    assert found["logits"].argmax(1).tolist() == told.tolist()
    assert found["points"].shape == points.shape
    assert np.corrcoef(found["points"].astype(float).ravel(), points.ravel())[0, 1] > 0.99


def state_of_squeezenet(network):
    with np.load(folder() / "weights" / "imagenet" / "squeezenet_v1.0.npz") as stored:
        arrays = [torch.as_tensor(stored[name]) for name in stored.files]
    return dict(zip(network.state_dict(), arrays, strict=True))


def bgr(picture):
    side = min(picture.size)
    left, top = ((extent - side) // 2 for extent in picture.size)
    square = picture.resize((227, 227), 2, box=(left, top, left + side, top + side))
    pixels = np.asarray(square, dtype=np.float32)[:, :, ::-1] - np.array([104, 117, 123], dtype=np.float32)
    return torch.as_tensor(pixels.transpose(2, 0, 1).copy())

"""The input of the classifier, in networks of timm, torchvision and transformers as they are."""

import numpy as np
import pytest
import timm
import torch
import transformers
from torch import nn

from diffspec import InputError
from diffspec.training import Layer, Monitor, Probe, collect

# Pixels and arguments by name; the smallest of each family.
TIMM = {
    "resnet10t": 64,
    "resnext26ts": 64,
    "skresnet18": 64,
    "convnext_atto": 64,
    "convnextv2_atto": 64,
    "vit_tiny_patch16_224": 224,
    "deit_tiny_patch16_224": 224,
    "eva02_tiny_patch14_224": 224,
    "xcit_nano_12_p16_224": 64,
    "pit_ti_224": 224,
    "levit_128s": 224,
    "gmlp_ti16_224": 224,
    "pvt_v2_b0": 64,
    "poolformer_s12": 64,
    "mobilenetv2_050": 64,
    "mobilenetv3_small_050": 64,
    "mobilenetv4_conv_small": 64,
    "mobilevit_xxs": 64,
    "efficientnet_b0": 64,
    "efficientvit_b0": 64,
    "efficientvit_m0": 224,
    "efficientformerv2_s0": 224,
    "regnetx_002": 64,
    "regnety_002": 64,
    "densenet121": 64,
    "edgenext_xx_small": 64,
    "ghostnet_050": 64,
    "lcnet_035": 64,
    "mnasnet_small": 64,
    "fastvit_t8": 64,
    "starnet_s1": 64,
    "tinynet_e": 64,
    "fbnetc_100": 64,
    "mambaout_femto": 64,
    "inception_next_atto": 64,
}
SMALL = {"sequencer2d_s": (224, {"layers": (1, 1, 1, 1)}), "swin_tiny_patch4_window7_224": (224, {"depths": (1, 1)})}

# Of each way to end one: pooled before the classifier or in it, a convolution or layers between, two heads, tokens.
QUICK = {"resnet10t", "convnext_atto", "vit_tiny_patch16_224", "levit_128s", "mobilenetv3_small_050"}
QUICK |= {"inception_next_atto", "sequencer2d_s"}


def longer(name, quick, *rest):
    """The parameters of a network; marked thorough unless it is one of the `quick` ones."""
    return pytest.param(name, *rest, marks=() if name in quick else pytest.mark.thorough)


@pytest.mark.parametrize(
    ("name", "pixels", "options"),
    [
        *(longer(name, QUICK, pixels, {}) for name, pixels in TIMM.items()),
        *(longer(name, QUICK, *rest) for name, rest in SMALL.items()),
    ],
)
def test_it_is_what_timm_calls_the_points_before_the_logits(name, pixels, options):
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=7, **options).eval()
    images = torch.randn(2, 3, pixels, pixels)
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(images), pre_logits=True)
    (found,) = collect(network, "penultimate", images).values()
    assert found == pytest.approx(expected.flatten(1).numpy(), abs=1e-5)


@pytest.mark.parametrize("classes", [0, 5])
def test_of_a_network_of_timm_without_a_classifier_it_is_what_it_gives(classes):
    network = timm.create_model("resnet10t", num_classes=classes).eval()
    images = torch.randn(2, 3, 64, 64)
    (found,) = collect(network, "penultimate", images).values()
    assert found.shape == (2, 512)
    if not classes:
        assert found == pytest.approx(network(images).detach().numpy(), abs=1e-6)


# The classifier of each, by the name that torchvision gives it.
TORCHVISION = {
    "alexnet": "classifier.6",
    "vgg11": "classifier.6",
    "resnet18": "fc",
    "densenet121": "classifier",
    "googlenet": "fc",
    "mobilenet_v3_small": "classifier.3",
    "mobilenet_v2": "classifier.1",
    "squeezenet1_1": "classifier.1",
    "shufflenet_v2_x0_5": "fc",
    "mnasnet0_5": "classifier.1",
    "efficientnet_b0": "classifier.1",
    "regnet_y_400mf": "fc",
    "convnext_tiny": "classifier.2",
    "VisionTransformer": "heads.head",
}
OPTIONS = {
    "googlenet": {"init_weights": False, "aux_logits": False},
    "vgg11": {"init_weights": False},
}


FEW = ("resnet18", "mobilenet_v3_small", "squeezenet1_1", "VisionTransformer")


@pytest.mark.parametrize("name", [longer(name, FEW) for name in TORCHVISION])
def test_of_torchvision_it_is_the_input_of_the_last_layer(name):
    from torchvision import models

    torch.manual_seed(0)
    if name == "VisionTransformer":  # small, where the ready-made ones are large
        sizes = {"image_size": 64, "patch_size": 32, "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 16}
        network = models.VisionTransformer(**sizes, num_classes=7).eval()
    else:
        network = models.get_model(name, num_classes=7, **OPTIONS.get(name, {})).eval()
    images = torch.randn(2, 3, 64, 64)
    (found,) = collect(network, "penultimate", images).values()
    seen = []
    network.get_submodule(TORCHVISION[name]).register_forward_pre_hook(lambda _m, given: seen.append(given[0]))
    network(images)
    expected = seen[0].detach()
    expected = expected.mean((2, 3)) if expected.ndim == 4 else expected
    assert found == pytest.approx(expected.numpy(), abs=1e-6)


SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30}
IMAGES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
WORDS = {
    "input_ids": torch.tensor([[3, 4, 5, 0], [6, 7, 0, 0], [8, 9, 10, 11]]),
    "attention_mask": torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]),
}
PICTURES = {"pixel_values": torch.randn(3, 3, 32, 32)}


def of_words(kind, **options):
    return transformers.AutoModelForSequenceClassification.from_config(
        transformers.AutoConfig.for_model(kind, num_labels=4, pad_token_id=0, **options)
    )


def of_pictures(kind, **options):
    return transformers.AutoModelForImageClassification.from_config(
        transformers.AutoConfig.for_model(kind, num_labels=4, **options)
    )


# How the network is made, its inputs, the classifier's name, and how that's input becomes points.
LAST = np.array([2, 1, 3])
TRANSFORMERS = {
    "bert": (lambda: of_words("bert", **SIZES), WORDS, "classifier"),
    "roberta": (lambda: of_words("roberta", **SIZES), WORDS, "classifier.out_proj"),
    "distilbert": (lambda: of_words("distilbert", dim=16, n_layers=1, n_heads=2, hidden_dim=16), WORDS, "classifier"),
    "gpt2": (lambda: of_words("gpt2", n_embd=16, n_layer=1, n_head=2, vocab_size=30), WORDS, "score"),
    "vit": (lambda: of_pictures("vit", image_size=32, patch_size=8, **IMAGES), PICTURES, "classifier"),
    "convnext": (
        lambda: of_pictures("convnext", hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1]),
        PICTURES,
        "classifier",
    ),
}


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_of_transformers_it_is_the_input_of_the_classifier(name):
    make, inputs, classifier = TRANSFORMERS[name]
    torch.manual_seed(0)
    network = make().eval()
    (found,) = collect(network, "penultimate", inputs).values()
    seen = []
    network.get_submodule(classifier).register_forward_pre_hook(lambda _m, given: seen.append(given[0]))
    network(**inputs)
    expected = seen[0].detach().numpy()
    # A network that reads words from the left classifies them at the last one that is not padding.
    expected = expected[np.arange(3), LAST] if expected.ndim == 3 else expected
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_module_of_that_name_is_meant_first():
    network = nn.Sequential()
    network.add_module("penultimate", nn.Linear(4, 3))
    network.add_module("fc", nn.Linear(3, 2))
    inputs = torch.randn(5, 4)
    (found,) = collect(network, "penultimate", inputs).values()
    assert found == pytest.approx(network.penultimate(inputs).detach().numpy(), abs=1e-6)


def test_a_network_without_a_classifier_is_told_what_to_write():
    with pytest.raises(InputError, match=r"no classifier that can be found: .* as in Layer\('fc', side='input'\)"):
        collect(nn.Sequential(nn.Conv1d(4, 3, 1), nn.Softmax(1), nn.Flatten()), "penultimate", torch.randn(2, 4, 6))
    with pytest.raises(InputError, match="no classifier that can be found"):
        collect(nn.Sequential(nn.Linear(4, 6), nn.GLU()), "penultimate", torch.randn(2, 4))


def test_a_monitor_finds_it_once_and_calls_it_so(tmp_path):
    network = timm.create_model("resnet10t", num_classes=3)
    monitor = Monitor(
        network, layers="penultimate", probe=Probe(torch.randn(20, 3, 32, 32)), log=tmp_path / "run.jsonl"
    )
    assert [(layer.label, layer.name, layer.side) for layer in monitor.layers] == [("penultimate", "fc", "input")]
    monitor.observe(0)
    assert '"layer": "penultimate"' in (tmp_path / "run.jsonl").read_text()


def test_it_stands_beside_other_layers():
    network = timm.create_model("resnet10t", num_classes=3).eval()
    images = torch.randn(2, 3, 32, 32)
    found = collect(network, ["penultimate", Layer("layer4", "gap"), Layer("fc", side="input"), "fc"], images)
    assert list(found) == ["penultimate", "layer4", "fc:input", "fc"]
    assert np.array_equal(found["penultimate"], found["fc:input"])
    assert found["penultimate"] == pytest.approx(found["layer4"], abs=1e-5)

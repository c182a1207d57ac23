"""Reading the degradation of Real-ESRGAN's, neosr's and traiNNer-redux's option files."""

import pytest
from conversions import converted, degrades, refused

from patina.cli.main import main
from patina.degradations.recipe import load_recipe

PUBLISHED = """
name: some-run
model_type: RealESRGANModel
scale: 4
num_gpu: 4
l1_gt_usm: true

resize_prob: [0.2, 0.7, 0.1]
resize_range: [0.15, 1.5]
gaussian_noise_prob: 0.5
noise_range: [1, 30]
poisson_scale_range: [0.05, 3]
gray_noise_prob: 0.4
jpeg_range: [30, 95]

second_blur_prob: 0.8
resize_prob2: [0.3, 0.4, 0.3]
resize_range2: [0.3, 1.2]
gaussian_noise_prob2: 0.5
noise_range2: [1, 25]
poisson_scale_range2: [0.05, 2.5]
gray_noise_prob2: 0.4
jpeg_range2: [30, 95]

datasets:
  train:
    type: RealESRGANDataset
    dataroot_gt: gt
    blur_kernel_size: 21
    kernel_list: [iso, aniso, generalized_iso, generalized_aniso, plateau_iso, plateau_aniso]
    kernel_prob: [0.45, 0.25, 0.12, 0.03, 0.12, 0.03]
    sinc_prob: 0.1
    blur_sigma: [0.2, 3]
    betag_range: [0.5, 4]
    betap_range: [1, 2]
    kernel_list2: [iso, aniso, generalized_iso, generalized_aniso, plateau_iso, plateau_aniso]
    kernel_prob2: [0.45, 0.25, 0.12, 0.03, 0.12, 0.03]
    sinc_prob2: 0.1
    blur_sigma2: [0.2, 1.5]
    betag_range2: [0.5, 4]
    betap_range2: [1, 2]
    final_sinc_prob: 0.8
network_g:
  type: RRDBNet
train:
  optim_g: {type: Adam, lr: !!float 1e-4}
"""

NEOSR = """
name = "run"
model_type = "otf"
scale = 2
use_amp = true

[datasets.train]
type = "otf"
dataroot_gt = 'C:\\sets\\gt\\'
patch_size = 64

[degradations]
resize_prob = [ 0.3, 0.4, 0.3 ]
resize_range = [ 0.5, 1.5 ]
gaussian_noise_prob = 0.2
noise_range = [ 0, 2 ]
poisson_scale_range = [ 0.05, 0.25 ]
gray_noise_prob = 0.1
jpeg_range = [ 40, 95 ]
second_blur_prob = 0.4
noise_range2 = [ 0, 2 ]
kernel_list = [
  "iso",
  "swirl"
]
kernel_prob = [ 0.9, 0.1 ]
sinc_prob = 0
blur_sigma = [ 0.2, 3 ]
jpeg_rnage2 = [ 35, 95 ]

[network_g]
type = "span"
"""

REDUX = """
name: 2x
scale: 2
high_order_degradation: true
lq_usm: true
lq_usm_radius_range: [1, 25]
blur_prob: 0.3
resize_prob: [0, 1, 0]
resize_mode_list: [bilinear, lanczos]
resize_mode_prob: [0.25, 0.75]
resize_range: [0.4, 1.5]
jpeg_prob: 0.6
jpeg_range: [75, 95]
thicklines_prob: 0.1
gaussian_noise_prob2: 1
noise_range2: [0, 8]
jpeg_prob2: 0
datasets:
  train:
    name: t
    type: realesrgandataset
    dataroot_gt: [a, b]
    kernel_range: [5, 17]
    sinc_prob: 0.2
    final_sinc_prob: 0.5
    final_kernel_range: [7, 9]
    lq_size: 64
  val:
    name: v
logger: {print_freq: 100}
"""


def test_the_published_options_are_the_recipe_that_comes_with_patina(tmp_path, capsys):
    recipe, told = converted(tmp_path / "o.yml", PUBLISHED, capsys)
    assert recipe.digest == load_recipe("real-esrgan").digest
    assert told == [
        "line 6: l1_gt_usm: sharpened targets are a setting of the training's losses (`sharpened: true`), not of a "
        "recipe",
        "line 43: network_g: about the training, not used",
        "line 45: train: about the training, not used",
    ]


def test_the_recipe_of_a_yaml_file_gets_a_name_of_its_own(tmp_path):
    (tmp_path / "o.yml").write_text(PUBLISHED, encoding="utf-8")
    assert main(["convert", str(tmp_path / "o.yml")]) == 0
    assert load_recipe(tmp_path / "o-recipe.yml").scale == 4


def test_the_network_without_a_gan_degrades_sharpened_images_only_if_told(tmp_path, capsys):
    text = PUBLISHED.replace("RealESRGANModel", "RealESRNetModel").replace("l1_gt_usm: true", "gt_usm: false")
    recipe, _ = converted(tmp_path / "o.yml", text, capsys)
    assert "unsharp_mask" not in [step.name for step in recipe.steps]
    recipe, _ = converted(tmp_path / "o.yml", text.replace("gt_usm: false", "gt_usm: true"), capsys)
    assert recipe.steps[0].name == "unsharp_mask"


def test_neosr(tmp_path, capsys):
    recipe, told = converted(tmp_path / "o.toml", NEOSR, capsys)
    assert recipe.scale == 2
    blur, resize, noise, jpeg, second, *_ = recipe.steps
    [kernel] = blur.choices
    assert (kernel.steps[0].kind, kernel.steps[0].sigma) == ({"isotropic": 0.9}, (0.2, 3))
    assert [choice.weight for choice in resize.choices] == [0.3, 0.4, 0.3]
    assert [choice.steps[0].factor for choice in resize.choices[:2]] == [(1, 1.5), (0.5, 1)]
    assert [choice.weight for choice in noise.choices] == [0.2, 0.8]
    assert (noise.choices[0].steps[0].sigma, noise.choices[1].steps[0].scale) == ((0, 2), (0.05, 0.25))
    assert noise.choices[0].steps[0].gray == 0.1
    assert (jpeg.quality, second.probability) == ((40, 95), 0.4)
    degrades(recipe)
    for expected in (
        "jpeg_range2: missing, set to [30, 95]",
        "line 22: degradations.kernel_list swirl: no counterpart, omitted",
        "line 29: degradations.jpeg_rnage2: unknown, not used",
        "line 31: network_g: about the training, not used",
    ):
        assert expected in told


def test_redux(tmp_path, capsys):
    recipe, told = converted(tmp_path / "o.yml", REDUX, capsys)
    sharp, blur, resize, jpeg, resize2, noise2, last = recipe.steps
    assert sharp.sigma == (0.5, 4.1)
    assert (blur.probability, [choice.weight for choice in blur.choices]) == (0.3, [0.2, 0.8])
    assert (blur.choices[0].steps[0].size, blur.choices[1].steps[0].size) == ((5, 17), (5, 17))
    [down] = resize.choices
    assert (down.steps[0].filter, down.steps[0].factor) == ({"linear": 0.25, "lanczos": 0.75}, (0.4, 1))
    assert (jpeg.quality, jpeg.probability) == ((75, 95), 0.6)
    assert resize2.choices[0].steps[0].of == "target"
    assert (noise2.name, noise2.sigma) == ("gaussian_noise", (0, 8))
    [ending] = last.choices
    assert [step.name for step in ending.steps] == ["resize", "sinc"]
    assert (ending.steps[1].size, ending.steps[1].probability) == ((7, 9), 0.5)
    degrades(recipe)
    assert told == [
        "line 14: thicklines_prob: no counterpart, omitted",
        "line 28: datasets.val: about the training, not used",
        "line 30: logger: about the training, not used",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("jpeg_prob: 0.6", "jpeg_prob: often", "line 12: jpeg_prob is 'often', expected a number"),
        ("[0.25, 0.75]", "[1]", "line 10: resize_mode_prob is [1], expected 2 numbers, as resize_mode_list has"),
        ("resize_prob: [0, 1, 0]", "resize_prob: [0, 1]", "line 8: resize_prob is [0, 1], expected three numbers"),
        ("scale: 2", "scale: 0", "line 3: scale is 0, expected a whole number of at least 1"),
        ("scale: 2", "scale: 2\nscale: 3", "the key 'scale' is in line 3 already"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, capsys, old, new, expected):
    assert expected in refused(tmp_path / "o.yml", REDUX.replace(old, new, 1), capsys)

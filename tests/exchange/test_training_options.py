"""Reading the training of neosr's, traiNNer-redux's and Real-ESRGAN's option files as a configuration."""

import pytest

from patina.cli.main import main
from patina.degradations.recipe import load_recipe
from patina.specs.configuration import load_config

NEOSR = """
name = "4x run"
model_type = "image"
scale = 4
use_amp = true
bfloat16 = true
compile = true
manual_seed = 7

[datasets.train]
type = "paired"
dataroot_gt = 'sets/gt'
dataroot_lq = 'sets/lq'
patch_size = 64
batch_size = 8
accumulate = 2
augmentation = [ "none", "mixup", "cutmix", "swirl" ]
aug_prob = [ 0.5, 0.25, 0.25, 0 ]

[datasets.val]
name = "val"
type = "paired"
dataroot_gt = 'val/gt'
dataroot_lq = 'val/lq'
[val]
val_freq = 1000

[path]
pretrain_network_g = 'start.pth'
strict_load_g = false

[network_g]
type = "realplksr"
dim = 32
n_blocks = 12
use_ea = true

[network_d]
type = "metagan"

[train]
ema = 0.999
wavelet_guided = true

[train.optim_g]
type = "adan_sf"
lr = 1e-3
betas = [ 0.98, 0.92, 0.99 ]
weight_decay = 0.01
schedule_free = true
warmup_steps = 1600

[train.optim_d]
type = "adan_sf"
lr = 2e-4

[train.mssim_opt]
type = "mssim_loss"
loss_weight = 1.0

[train.consistency_opt]
type = "consistency_loss"
loss_weight = 0.5

[train.fdl_opt]
type = "fdl_loss"

[train.gan_opt]
type = "gan_loss"
gan_type = "bce"
loss_weight = 0.3

[logger]
total_iter = 100000
save_checkpoint_freq = 2000
"""

REDUX = """
name: 2x_span
scale: 2
use_amp: true
amp_bf16: false
num_gpu: auto
high_order_degradation: true
blur_prob: 0.5
resize_mode_list: [bilinear]
resize_mode_prob: [1]
datasets:
  train:
    name: t
    type: realesrgandataset
    dataroot_gt: [a, b]
    blur_sigma: [0.2, 2]
    lq_size: 32
    use_hflip: true
    use_rot: false
    num_worker_per_gpu: 8
    batch_size_per_gpu: 16
  val:
    name: v
    type: pairedimagedataset
    dataroot_gt: [c]
    dataroot_lq: [d]
network_g:
  type: span
  feature_channels: 32
  spin: 3
network_d:
  type: unetdiscriminatorsn
  num_feat: 48
path:
  pretrain_network_g: ~
train:
  ema_decay: 0.99
  grad_clip: true
  optim_g: {type: AdamW, lr: !!float 2e-4, weight_decay: 0, betas: [0.9, 0.99]}
  optim_d: {type: AdamW, lr: !!float 1e-4}
  scheduler:
    type: MultiStepLR
    milestones: [1000, 2000]
    gamma: 0.25
  total_iter: 5000
  warmup_iter: 100
  losses:
    - type: charbonnierloss
      eps: 1.0e-6
      loss_weight: 0.5
    - type: perceptualloss
      criterion: fd
      loss_weight: 0.01
    - type: hsluvloss
      loss_weight: 1.0
    - type: ldlloss
      loss_weight: 1.0
    - type: ganloss
      gan_type: lsgan
      loss_weight: 0.1
    - type: distsloss
      loss_weight: 0
  use_moa: true
  moa_augs: [none, mixup, cutblur]
  moa_probs: [0.5, 0.3, 0.2]
val:
  val_enabled: false
  val_freq: 500
logger:
  print_freq: 50
  save_checkpoint_freq: 700
  surprise: 1
"""


def told(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_neosr_with_pairs(tmp_path, capsys):
    (tmp_path / "o.toml").write_text(NEOSR, encoding="utf-8")
    assert main(["convert", str(tmp_path / "o.toml")]) == 0
    lines = told(capsys)
    config = load_config(tmp_path / "o-training.yml")
    assert (config.task, config.name, config.seed) == ("restoration", "4x-run", 7)
    model = config.model
    assert (model.architecture, model.scale, model.features, model.blocks) == ("realplksr", 4, 32, 12)
    data = config.data
    assert (data.lq[0].path, data.gt) == (tmp_path / "sets/lq", tmp_path / "sets/gt")
    assert (data.patch, data.batch, data.augment.mixup, data.augment.cutmix) == ({1: 256}, 16, 0.25, 0.25)
    [alone] = config.validation.values()
    assert (alone.lq, alone.gt) == (tmp_path / "val/lq", tmp_path / "val/gt")
    [stage] = config.stages
    assert (stage.steps, stage.accumulate, stage.save_every, stage.validate_every) == (100000, 2, 2000, 1000)
    assert (stage.optimiser, stage.learning_rate, stage.weight_decay, stage.warm_up) == ("adan", 1e-3, 0.01, 1600)
    assert (stage.precision, stage.ema, stage.compile) == ("bf16-mixed", 0.999, True)
    assert (stage.init_from, stage.init_strict) == (tmp_path / "start.pth", False)
    assert [(loss.type, loss.weight) for loss in stage.losses] == [
        ("ms_ssim", 1), ("colour", 0.5), ("luma", 0.5), ("gan", 0.3),
    ]  # fmt: skip
    gan = stage.losses[-1]
    assert (gan.game, gan.discriminator.architecture, gan.discriminator.learning_rate) == ("vanilla", "unet", 2e-4)
    assert lines == [
        "line 17: datasets.train.augmentation swirl: no counterpart, omitted",
        "line 36: network_g.use_ea: no counterpart, omitted",
        "line 39: network_d.type: metagan: unet instead",
        "line 43: train.wavelet_guided: no counterpart, omitted",
        "line 46: train.optim_g.type: adan_sf: adan instead, whose learning rate is often another",
        "line 50: train.optim_g.schedule_free: a constant learning rate instead",
        "line 61: consistency_loss: colour and luma, each of this weight",
        "line 66: train.fdl_opt.type fdl_loss: no counterpart, omitted",
    ]


def test_redux_with_degradations_on_the_fly(tmp_path, capsys):
    (tmp_path / "o.yml").write_text(REDUX, encoding="utf-8")
    assert main(["convert", str(tmp_path / "o.yml"), "-out", str(tmp_path / "r.yml")]) == 0
    lines = told(capsys)
    assert load_recipe(tmp_path / "r.yml").scale == 2
    config = load_config(tmp_path / "r-training.yml")
    assert config.data.lq[0].path == tmp_path / "r.yml"
    assert (config.data.gt, config.data.patch, config.data.workers) == (tmp_path / "a", {1: 64}, 8)
    assert (config.data.augment.flip, config.data.augment.rotate) == (0.5, 0)
    assert (config.data.augment.mixup, config.data.augment.cutblur) == (0.3, 0.2)
    assert config.model.architecture == "SPAN"
    assert config.model.model_extra == {"feature_channels": 32}
    assert config.validation is None
    [stage] = config.stages
    assert (stage.steps, stage.milestones, stage.warm_up, stage.ema) == (5000, (1000, 2000), 100, 0.99)
    assert (stage.learning_rate, stage.betas, stage.clip_gradient, stage.log_every) == (2e-4, (0.9, 0.99), 1, 50)
    assert [(loss.type, loss.weight) for loss in stage.losses] == [
        ("charbonnier", 0.5), ("perceptual", 0.01), ("ldl", 1), ("gan", 0.1),
    ]  # fmt: skip
    assert stage.losses[0].eps == pytest.approx(1e-3)
    assert (stage.losses[-1].game, stage.losses[-1].discriminator.features) == ("lsgan", 48)
    for expected in (
        "line 4: use_amp: bf16 instead of fp16",
        "line 15: datasets.train.dataroot_gt: the first of 2 folders; put the images of all into one",
        "line 30: network_g.spin: no counterpart, omitted",
        "line 44: train.scheduler.gamma: 0.5 always",
        "line 52: train.losses.criterion: fd: L1 instead",
        "line 54: train.losses.type hsluvloss: no counterpart, omitted",
        "line 72: logger.surprise: unknown, not used",
    ):
        assert expected in lines
    assert not any("about the training" in line for line in lines)


def test_real_esrgan_sharpens_the_targets_of_its_losses(tmp_path, capsys):
    text = """
name: esr
model_type: RealESRGANModel
scale: 4
l1_gt_usm: true
percep_gt_usm: true
gan_gt_usm: false
resize_prob: [0.2, 0.7, 0.1]
resize_range: [0.15, 1.5]
noise_range: [1, 30]
gt_size: 256
datasets: {train: {dataroot_gt: gt, batch_size_per_gpu: 12, use_rot: false}}
network_g: {type: RRDBNet, num_in_ch: 3, num_out_ch: 3, num_feat: 64, num_block: 6, num_grow_ch: 32}
network_d: {type: UNetDiscriminatorSN, num_feat: 64}
train:
  optim_g: {type: Adam, lr: 0.0001, betas: [0.9, 0.99]}
  scheduler: {type: CosineAnnealingRestartLR, periods: [300, 300], restart_weights: [1, 0.5], eta_min: 1.0e-7}
  total_iter: 400
  pixel_opt: {type: L1Loss, loss_weight: 1.0, reduction: mean}
  perceptual_opt: {type: PerceptualLoss, layer_weights: {conv5_4: 1}, perceptual_weight: 0.5, criterion: l1}
  gan_opt: {type: GANLoss, gan_type: vanilla, loss_weight: 0.1}
"""
    (tmp_path / "o.yml").write_text(text, encoding="utf-8")
    assert main(["convert", str(tmp_path / "o.yml")]) == 0
    assert (tmp_path / "o-recipe.yml").exists()
    config = load_config(tmp_path / "o-training.yml")
    assert (config.model.architecture, config.model.blocks, config.model.growth) == ("rrdbnet", 6, 32)
    assert config.data.patch == {1: 256}
    [stage] = config.stages
    assert [(loss.type, loss.weight, loss.sharpened) for loss in stage.losses] == [
        ("l1", 1, True), ("perceptual", 0.5, True), ("gan", 0.1, False),
    ]  # fmt: skip
    assert (stage.cosine.periods, stage.cosine.restart_weights) == ((300, 300), (1, 0.5))
    assert stage.cosine.lowest == pytest.approx(1e-7)


def test_a_network_without_a_counterpart_leaves_the_recipe(tmp_path, capsys):
    (tmp_path / "o.yml").write_text(REDUX.replace("type: span", "type: mosrv2"), encoding="utf-8")
    assert main(["convert", str(tmp_path / "o.yml")]) == 0
    [line] = [line for line in told(capsys) if "the training is left out" in line]
    assert "line 28: network_g.type is mosrv2, which has no counterpart" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o-recipe.yml", "o.yml"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('type = "realplksr"', 'type = "mosrv2"', "line 33: network_g.type is mosrv2, which has no counterpart"),
        ("total_iter = 100000", "total_iter = 'x'", "line 74: logger.total_iter is 'x', expected a number"),
        ("dataroot_gt = 'sets/gt'", "", "line 10: datasets.train.dataroot_gt is missing, expected a list of names"),
        ("dim = 32", "dim = 31", "model.features: expected a multiple of 4, found 31"),
        ("lr = 1e-3", "lr = 'fast'", "line 47: train.optim_g.lr is 'fast', expected a number"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(tmp_path, capsys, old, new, expected):
    (tmp_path / "o.toml").write_text(NEOSR.replace(old, new, 1), encoding="utf-8")
    assert main(["convert", str(tmp_path / "o.toml")]) == 2
    [line] = told(capsys)
    assert expected in line
    assert [path.name for path in tmp_path.iterdir()] == ["o.toml"]

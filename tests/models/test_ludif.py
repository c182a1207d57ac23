"""LUD-DIF's networks: what they are given."""

import pytest
import torch
from pydantic import ValidationError

from patina.models.ludif import LUDDIF, LUDDIFArchitecture
from patina.models.sr3 import SR3Architecture
from small_ludif import SIZE


def test_differences_are_seen_in_units_of_the_noise_however_small_it_is():
    network = LUDDIF(LUDDIFArchitecture(**SIZE)).real
    seen = []
    network.unet.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    clean, noise = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    other = torch.randn(2, 3, 8, 8)
    level, given_level = torch.tensor([0.01, 0.3]), torch.tensor([0.0, 0.4])
    noisy, given = (clean + s[:, None, None, None] * n for s, n in ((level, noise), (given_level, other)))
    network(noisy, level, given, given_level, torch.tensor([0.2, 0.4]))
    (inputs,) = seen
    expected = torch.stack([noise[0], 0.6 * noise[1] - 0.8 * other[1]])
    torch.testing.assert_close(inputs[:, 6:9], 5 * torch.tanh(expected / 5), atol=2e-4, rtol=0)
    torch.testing.assert_close(inputs[:, :3], noisy / (1 + level**2).sqrt()[:, None, None, None])
    torch.testing.assert_close(inputs[:, 9, 0, 0], torch.tensor([0.2, 0.4]))
    # Far beyond the noise, only the sign is left.
    network(given + 100, level, given, given_level, level)
    torch.testing.assert_close(seen[-1][:, 6:9], torch.full((2, 3, 8, 8), 5.0))


def test_the_middle_has_attention_only_if_a_level_has():
    plain, attentive = (
        LUDDIF(LUDDIFArchitecture(**SIZE | {"attention": attention})) for attention in ((), (1,))
    )  # fmt: skip
    assert not [name for name, _ in plain.named_parameters() if "attention" in name]
    assert [name for name, _ in attentive.named_parameters() if "mid_block.attention" in name]


@pytest.mark.parametrize("multipliers", [(1, 0), (1, -2), (1, 65), (1, 10**9)])
def test_no_level_is_wider_than_the_u_net_allows(multipliers):
    for architecture in (LUDDIFArchitecture, SR3Architecture):
        with pytest.raises(ValidationError, match="multipliers"):
            architecture(multipliers=multipliers, attention=())

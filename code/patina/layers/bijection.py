"""The interface of a flow's bijections, and their composition."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from patina.layers.submodules import Modules

State = tuple[Tensor, ...]
"""A flow's state: the latents split off so far, followed by the tensor still being encoded."""


class Bijection(nn.Module, ABC):
    """An invertible map of a flow's state, given a condition; calling it encodes."""

    def forward(self, state: State, condition: Tensor | None) -> tuple[State, Tensor]:
        """Call `encode`, so that module hooks see every member of a flow."""
        return self.encode(state, condition)

    @abstractmethod
    def encode(self, state: State, condition: Tensor | None) -> tuple[State, Tensor]:
        """Map towards the latents.

        Args:
            state: tensors ``[N, C, H, W]``.
            condition: ``[N, C', H, W]`` at the size of the last tensor; None for unconditional maps.

        Returns:
            The new state and log |det Jacobian|, ``[N]`` in nats.
        """

    @abstractmethod
    def decode(self, state: State, condition: Tensor | None) -> State:
        """Undo `encode`."""


class TensorBijection(Bijection):
    """A bijection of only the state's last tensor."""

    @abstractmethod
    def encode_tensor(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map ``x`` ``[N, C, H, W]`` towards the latents; return it with the log-determinant ``[N]``."""

    @abstractmethod
    def decode_tensor(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Undo `encode_tensor`."""

    def encode(self, state: State, condition: Tensor | None) -> tuple[State, Tensor]:
        """Apply `encode_tensor` to the last tensor."""
        z, log_determinant = self.encode_tensor(state[-1], condition)
        return (*state[:-1], z), log_determinant

    def decode(self, state: State, condition: Tensor | None) -> State:
        """Apply `decode_tensor` to the last tensor."""
        return (*state[:-1], self.decode_tensor(state[-1], condition))


class Squeeze(TensorBijection):
    """2×2 space to depth (RealNVP, arXiv 1605.08803, section 3.6).

    Channel c at row dy and column dx of a 2×2 block becomes channel 4c + 2dy + dx.
    """

    def encode_tensor(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """``[N, C, 2H, 2W]`` to ``[N, 4C, H, W]``; log-determinant 0."""
        return nn.functional.pixel_unshuffle(x, 2), x.new_zeros(len(x))

    def decode_tensor(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """``[N, 4C, H, W]`` to ``[N, C, 2H, 2W]``."""
        return nn.functional.pixel_shuffle(z, 2)


class Chain(Bijection):
    """A composition of bijections with a shared condition."""

    def __init__(self, *members: Bijection):
        super().__init__()
        self.members: Modules[Bijection] = Modules(members)

    def encode(self, state: State, condition: Tensor | None) -> tuple[State, Tensor]:
        """Encode through all members, first to last."""
        total: Tensor | float = 0.0
        for member in self.members:
            state, log_determinant = member(state, condition)
            total = total + log_determinant
        return state, torch.as_tensor(total)

    def decode(self, state: State, condition: Tensor | None) -> State:
        """Decode through all members, last to first."""
        for member in reversed(list(self.members)):
            state = member.decode(state, condition)
        return state

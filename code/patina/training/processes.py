"""What the processes of one training tell each other; with a single process, everything is as without this module.

Every function is called by all processes at the same place, because each waits for the others.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Literal, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from patina.errors import PatinaError

T = TypeVar("T")
R = TypeVar("R")

LONGEST_WAIT = timedelta(hours=12)
"""How long a process waits for another that is still alive, for example while that prepares the images."""


def fabric_of_processes(accelerator: str, precision: Literal["32-true", "bf16-mixed"]) -> Fabric:
    """Return Lightning Fabric for this process and those that torchrun started beside it, if any.

    Args:
        accelerator: "cpu", "cuda" or "mps".
        precision: Fabric's name of the precision.

    Raises:
        PatinaError: the processes do not find each other, because their port is in use for example, or the flags of
            `fabric run` contradict the training.
    """
    if not torch.distributed.is_available() or not torch.distributed.is_torchelastic_launched():
        return Fabric(accelerator=accelerator, devices=1, precision=precision)
    here, everywhere = (int(os.environ[name]) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    with _meeting_told(), _flags_told():
        fabric = Fabric(
            accelerator=accelerator,
            strategy=_OwnGradients(timeout=LONGEST_WAIT),
            devices=here,
            num_nodes=everywhere // here,
            precision=precision,
        )
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        if os.environ.get("LT_CLI_USED") != "1":  # `fabric run` launches while Fabric is made
            fabric.launch()
    return fabric


@contextmanager
def _meeting_told() -> Iterator[None]:
    """Say in one line why the processes do not find each other; only rank 0 opens their port."""
    try:
        yield
    except torch.distributed.DistError as error:
        host, port, rank, everywhere = (
            os.environ.get(name) for name in ("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE")
        )
        if "EADDRINUSE" in str(error):
            told = f"port {port} of this machine is in use, on which the {everywhere} processes of the training meet"
            raise PatinaError(f"{told}; name a free one with --master-port, the same on all machines") from None
        why = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise PatinaError(
            f"process {rank} of {everywhere} cannot reach the others at {host}:{port} ({why}); start all of them, "
            "with the same --master-addr and --master-port"
        ) from None


@contextmanager
def _flags_told() -> Iterator[None]:
    """Say in one line that `fabric run` was given what the training decides."""
    try:
        yield
    except ValueError:
        values = {flag: os.environ.get(f"LT_{flag.upper()}") for flag in ("accelerator", "strategy", "precision")}
        if not any(values.values()):
            raise
        given = " ".join(f"--{flag} {value}" for flag, value in values.items() if value)
        raise PatinaError(
            f"`fabric run {given}` contradicts the training; leave that out: the configuration has the precision, "
            "-device chooses the accelerator, and the strategy is the training's own"
        ) from None


class _OwnGradients(DDPStrategy):
    """Data-parallel processes whose gradients `add_gradients` adds, as networks are called in many ways."""

    def setup_module(self, module: nn.Module) -> Any:
        """Return the module itself."""
        return module


def any_process(fabric: Fabric, here: bool) -> bool:
    """Return whether something holds in at least one process."""
    if fabric.world_size == 1:
        return here
    flag = torch.tensor(float(here), device=fabric.device)
    return bool(fabric.all_reduce(flag, reduce_op="sum"))


def from_all(fabric: Fabric, value: T) -> list[T]:
    """Return the values of all processes in the order of their ranks."""
    if fabric.world_size == 1:
        return [value]
    values: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(values, value)
    return values


def divided(fabric: Fabric, items: Sequence[T], work: Callable[[int, T], R]) -> list[R]:
    """Call `work` with the index of every item and the item, each in one of the processes.

    Returns:
        All results, in the order of the items, in every process.

    Raises:
        PatinaError: an item failed; raised in every process.
    """
    own: dict[int, R] = {}
    failure: PatinaError | None = None
    try:
        for index in range(fabric.global_rank, len(items), fabric.world_size):
            own[index] = work(index, items[index])
    except PatinaError as error:
        if fabric.world_size == 1:
            raise
        failure = error
    results: dict[int, R] = {}
    for found, failed in from_all(fabric, (own, failure)):
        if failed is not None:
            raise failed
        results |= found
    return [results[index] for index in range(len(items))]


def same_in_all(fabric: Fabric, modules: Iterable[nn.Module]) -> None:
    """Give the weights and buffers of rank 0 to all processes."""
    if fabric.world_size == 1:
        return
    for module in modules:
        for tensor in (*module.parameters(), *module.buffers()):
            torch.distributed.broadcast(tensor.data, 0)


def add_gradients(fabric: Fabric, parameters: Sequence[nn.Parameter]) -> None:
    """Replace the gradient of every parameter by the sum of all processes' gradients.

    One exchange for all parameters: simple, right for losses with several backward passes and for gradients that are
    written out, at the price of no overlap with the backward pass. A parameter without a gradient in any process keeps
    none.
    """
    if fabric.world_size == 1 or not parameters:
        return
    gradients = [parameter.grad for parameter in parameters]
    has = torch.tensor([float(gradient is not None) for gradient in gradients], device=parameters[0].device)
    values = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, gradients, strict=True)]
    flat = torch.cat([has, *(value.flatten().float() for value in values)])
    torch.distributed.all_reduce(flat)
    place = len(has)
    for parameter, count in zip(parameters, flat[:place].tolist(), strict=True):
        size = parameter.numel()
        if count:
            summed = flat[place : place + size].view_as(parameter).to(parameter.dtype)
            if parameter.grad is None:
                parameter.grad = summed
            else:
                parameter.grad.copy_(summed)
        place += size


def whole_tensor(fabric: Fabric, own: Tensor) -> Tensor:
    """Return the tensors of all processes, ``[N, ...]`` each and of one size, joined in the order of their ranks."""
    if fabric.world_size == 1:
        return own
    parts = [torch.empty_like(own, memory_format=torch.contiguous_format) for _ in range(fabric.world_size)]
    torch.distributed.all_gather(parts, own.contiguous())
    return torch.cat(parts)


@contextmanager
def in_turn(fabric: Fabric) -> Iterator[None]:
    """Let the processes run the ``with`` block one after the other, so that each finds the files of those before."""
    for _ in range(fabric.global_rank):
        fabric.barrier()
    try:
        yield
    finally:
        for _ in range(fabric.world_size - fabric.global_rank):
            fabric.barrier()


def require_same(fabric: Fabric, value: str, what: str) -> None:
    """Make sure that a value is the same in all processes.

    Raises:
        PatinaError: it is not; the message names the processes.
    """
    values = from_all(fabric, value)
    others = [str(rank) for rank, other in enumerate(values) if other != values[0]]
    if others:
        raise PatinaError(
            f"process {', '.join(others)} of {fabric.world_size} has a different {what} from process 0: "
            "start all processes with the same command and the same files"
        )

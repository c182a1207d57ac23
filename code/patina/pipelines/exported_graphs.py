"""What `patina export` writes: a restoration network or a LUD-VAE as a graph, and what its results have to be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor

from patina.degradations.knobs import Span
from patina.degradations.ludvae_degradation import KIND, LUDVAEConfiguration, LUDVAEDegradation
from patina.degradations.ludvae_graph import LUDVAEGraph
from patina.errors import PatinaError
from patina.models.generator_files import LoadedGenerator, load_generator
from patina.models.ludvae import BORDER, LUDVAE
from patina.models.model_files import built_network, stored_kind, typed_part
from patina.models.network_export import ExportedGraph, ExportedNetwork, require_finite
from patina.seeding import derive, numpy_rng
from patina.specs.learned_spec import learned_kinds, load_learned, opened_degradation


@dataclass(frozen=True)
class Exportable:
    """A model to write.

    Attributes:
        make_graph: returns the graph; changes the model.
        architecture: name of the network.
        wanted: maps an image ``[1, 3, H, W]`` to the further inputs of the graph, and to the result that it must give;
            not after `make_graph`.
        minimum: smallest side of an image.
        scale, multiple: of the network.
        noise: number of channels of the noise, a second input; 0 without.
        knobs: what the graph holds fixed.
    """

    make_graph: Callable[[], ExportedGraph]
    architecture: str
    wanted: Callable[[Tensor], tuple[tuple[Tensor, ...], np.ndarray]]
    minimum: int
    scale: int = 1
    multiple: int = 1
    noise: int = 0
    knobs: Mapping[str, float] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, str]:
        """Metadata of the file."""
        noise = {"noise_channels": str(self.noise)} if self.noise else {}
        knobs = {name: f"{value:g}" for name, value in self.knobs.items()}
        return {"architecture": self.architecture, "scale": str(self.scale), **noise, **knobs}


def open_exportable(path: Path, half: bool, knobs: Mapping[str, Span], *, pads: bool = True) -> Exportable:
    """Open a model file as a graph.

    Args:
        path: a restoration network of any architecture that `load_generator` opens, or Patina's file of a LUD-VAE.
        half: whether the graph computes in float16.
        knobs: values of a LUD-VAE's knobs.
        pads: whether graphs may pad images, and have inputs beside them.

    Raises:
        PatinaError: the model or a knob cannot be used.
    """
    kind = stored_kind(path)
    if kind == KIND and not pads:
        raise PatinaError(f"{path}: a LUD-VAE can be written as .onnx or .pt2 only")
    if kind == KIND:
        return _ludvae(path, half, knobs)
    if kind in learned_kinds():
        raise PatinaError(f"{path}: holds a {kind} model, expected a restoration network or a LUD-VAE")
    if knobs:
        raise PatinaError(f"-{next(iter(knobs))} is a knob of a LUD-VAE, but {path} is not one; leave it out")
    return _restoration(load_generator(path), half, path, pads)


def _restoration(opened: LoadedGenerator, half: bool, path: Path, pads: bool) -> Exportable:
    require_finite(opened.model, half, path)
    needs = opened.size_requirements
    return Exportable(
        partial(ExportedNetwork, opened, half and pads, padded=pads),
        opened.architecture.name,
        lambda image: ((), opened(image.clone()).numpy()),
        minimum=max(needs.multiple_of, needs.minimum),
        scale=opened.scale,
        multiple=needs.multiple_of,
    )


def _ludvae(path: Path, half: bool, knobs: Mapping[str, Span]) -> Exportable:
    model = load_learned(path)
    degradation = opened_degradation(model, path, device="cpu", knobs=knobs)
    if not isinstance(degradation, LUDVAEDegradation):
        raise TypeError(f"{path} holds no LUD-VAE")
    for name in degradation.photo_knobs:
        raise PatinaError(
            f"{path}: draws {name} anew for every image, but an exported graph has one value; set it with -{name}"
        )
    for name, value in degradation.settings.items():
        if isinstance(value, tuple):
            raise PatinaError(f"-{name} is a range, expected one number: an exported graph has fixed knobs")
    architecture = typed_part(LUDVAEConfiguration, model.configuration, path, "configuration").architecture
    network = built_network(partial(LUDVAE, architecture), model.weights, path)
    require_finite(network, half, path)
    parameters = degradation.draw(numpy_rng(0, "export"))
    graph = LUDVAEGraph(network, degradation.statistics, parameters)

    def wanted(image: Tensor) -> tuple[tuple[Tensor, ...], np.ndarray]:
        height, width = image.shape[-2:]
        key = derive(0, "export", height, width)
        noise = degradation.noise(key, height, width)[:, : graph.noise_channels]
        return (noise,), degradation.apply(image[0], parameters, key)[None].numpy()

    return Exportable(
        partial(graph.in_precision, half), "LUD-VAE", wanted, BORDER, noise=graph.noise_channels, knobs=parameters
    )

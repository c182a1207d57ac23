"""SR3 of a model file."""

from pathlib import Path

from patina.errors import PatinaError
from patina.models.model_files import ModelFile, load_weights
from patina.models.sr3 import SR3, DiffusionSchedule, SR3Architecture


def sr3_of(model: ModelFile, path: Path) -> SR3:
    """Make the network that a model file holds, in evaluation mode.

    Raises:
        PatinaError: its configuration or weights are of another layout.
    """
    try:
        stored = model.configuration
        network = SR3(SR3Architecture(**stored["architecture"]), DiffusionSchedule(**stored["schedule"]))
    except (KeyError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise PatinaError(f"{path}: a configuration of SR3 that cannot be read ({reason})") from error
    load_weights(network, model.weights, path)
    return network.eval()

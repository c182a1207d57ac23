"""The table of subjects: configuration classes by `task`.

Classes are imported by name on demand, so that subjects can refer to each other through this table and a command loads
only the subjects it needs.
"""

import importlib

from patina.specs.experiment import Experiment

SUBJECTS = {
    "deflow": "patina.specs.deflow_spec:DeFlowConfig",
    "ludvae": "patina.specs.ludvae_spec:LUDVAEConfig",
    "ludif": "patina.specs.ludif_spec:LUDDIFConfig",
    "restoration": "patina.specs.restoration_spec:RestorationConfig",
    "luminance": "patina.specs.luminance_spec:LuminanceConfig",
    "sr3": "patina.specs.sr3_spec:SR3Config",
    "test": "patina.specs.upscale_test_spec:UpscaleTestConfig",
    "evaluate": "patina.specs.evaluation_spec:EvaluationConfig",
}
"""Configuration classes by task; a new subject is one line here."""


def config_class(task: str) -> type[Experiment]:
    """Return the configuration class of a task in `SUBJECTS`."""
    module, _, name = SUBJECTS[task].partition(":")
    return getattr(importlib.import_module(module), name)


def config_classes() -> dict[str, type[Experiment]]:
    """Return all configuration classes by task, in the order of the table."""
    return {task: config_class(task) for task in SUBJECTS}

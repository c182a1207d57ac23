"""The table of Patina's networks, by `architecture`; spandrel's other networks are selected by their class names."""

from patina.models.compact import CompactSettings
from patina.models.dncnn import DnCNNSettings
from patina.models.lapsrn import LapSRNSettings
from patina.models.msrresnet import MSRResNetSettings
from patina.models.realplksr import RealPLKSRSettings
from patina.models.rrdbnet import RRDBNetSettings
from patina.models.srcnn import SRCNNSettings

RestorationSettings = RRDBNetSettings | CompactSettings | DnCNNSettings | MSRResNetSettings | RealPLKSRSettings
"""Networks that restore RGB images."""

LuminanceSettings = LapSRNSettings | SRCNNSettings
"""Networks that upscale luma and leave chroma to bicubic interpolation."""

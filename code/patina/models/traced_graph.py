"""Networks as ONNX by tracing, in a second instead of the ten to thirty of `write_onnx`.

A trace follows one image: what a network decides by the image's size is fixed. So a graph has to be compared with the
network on images of other sizes before it is used, as `patina.pipelines.network_backends` does.
"""

import io
import warnings

import torch

from patina.models.network_export import INPUT, OPSET, OUTPUT, ExportedGraph, refused

_UNITS = (11, 7)
"""Size of the traced image, in multiples of what the network needs."""


def traced_onnx(network: ExportedGraph, unit: int) -> bytes:
    """Return a network as ONNX, with open height and width.

    Args:
        network: the network.
        unit: the network's sides are multiples of it, and not smaller than four of it.

    Raises:
        PatinaError: it cannot be expressed in ONNX.
    """
    stored, axes = io.BytesIO(), {2: "height", 3: "width"}
    examples = network.examples(*(unit * count for count in _UNITS))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of every size that a network looks at
        try:
            torch.onnx.export(
                network, examples, stored, dynamo=False,  # type: ignore[arg-type]  # its type names paths alone
                opset_version=OPSET,
                input_names=[INPUT], output_names=[OUTPUT], dynamic_axes={INPUT: axes, OUTPUT: axes},
            )  # fmt: skip
            return _with_broadcast_slopes(stored.getvalue())
        except Exception as error:  # a network of any kind can fail in any way
            raise refused(network, "ONNX", error) from error


def _with_broadcast_slopes(graph: bytes) -> bytes:
    """Give the slopes of every PReLU four axes: OpenVINO fuses those with a convolution, and takes thrice as long else.

    The tracer writes ``[C, 1, 1]``, which ONNX broadcasts to the same.
    """
    import onnx

    model = onnx.load_from_string(graph)
    slopes = {node.input[1] for node in model.graph.node if node.op_type == "PRelu"}
    for value in model.graph.initializer:
        if value.name in slopes and len(value.dims) == 3:
            value.dims.insert(0, 1)
    return bytes(model.SerializeToString())

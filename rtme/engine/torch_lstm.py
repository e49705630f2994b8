"""An ONNX LSTM node as PyTorch's own LSTM."""

from typing import cast

import torch
from torch import Tensor, nn

from rtme.engine.torch_ops import Attributes, UnfitError

_KNOWN = {"hidden_size", "direction", "layout", "input_forget"}


class Lstm(nn.Module):
    """One layer, in one direction or both.

    Args:
        attributes: Of the node.
        *constants: Weights ``(directions, 4 H, inputs)``, recurrent weights ``(directions, 4 H, H)`` and biases
            ``(directions, 8 H)``, gates in ONNX's order: input, output, forget, cell.

    Raises:
        UnfitError: The node asks for what PyTorch's LSTM has not.
    """

    def __init__(self, attributes: Attributes, *constants: Tensor) -> None:
        super().__init__()
        direction = attributes.get("direction", b"forward").decode()
        odd = set(attributes) - _KNOWN
        if odd or direction == "reverse" or attributes.get("layout", 0) or attributes.get("input_forget", 0):
            raise UnfitError(f"an LSTM with {', '.join(sorted(odd)) or direction}")
        weights, recurrent, biases = constants
        self.hidden = int(attributes["hidden_size"])
        self.lstm = nn.LSTM(weights.shape[2], self.hidden, bidirectional=direction == "bidirectional")
        with torch.no_grad():
            for way, suffix in zip(range(weights.shape[0]), ("", "_reverse"), strict=False):
                given = {
                    "weight_ih": weights[way],
                    "weight_hh": recurrent[way],
                    "bias_ih": biases[way, : 4 * self.hidden],
                    "bias_hh": biases[way, 4 * self.hidden :],
                }
                for name, value in given.items():
                    getattr(self.lstm, f"{name}_l0{suffix}").copy_(_torch_order(value))

    def forward(self, x: Tensor, hidden: Tensor | None, cell: Tensor | None) -> Tensor:
        """``(T, B, inputs)`` and starting states ``(directions, B, H)`` to ``(T, directions, B, H)``."""
        state = None if hidden is None or cell is None else (hidden.contiguous(), cell.contiguous())
        found = cast("Tensor", self.lstm(x, state)[0])
        return found.view(*x.shape[:2], -1, self.hidden).transpose(1, 2)


def _torch_order(gates: Tensor) -> Tensor:
    """Input, output, forget, cell to input, forget, cell, output."""
    entry, output, forget, cell = gates.chunk(4)
    return torch.cat([entry, forget, cell, output])

"""Batch renormalization: training that already sees the statistics which evaluation will use (DenseReg).

https://arxiv.org/abs/1702.03275
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class BatchRenorm2d(nn.Module):
    """Ioffe, "Batch Renormalization", 2017, for maps; DenseReg's constants.

        training    y = ((x - mean) / std * r + d) * weight + bias
                    r = std / running_std            within [1 / r_max, r_max], no gradient
                    d = (mean - running_mean) / running_std   within [-d_max, d_max], no gradient
        evaluation  y = (x - running_mean) / running_std * weight + bias

    `std` is sqrt(biased variance + epsilon). The bounds open with the steps taken, t = 1e-5 a step, from
    plain batch normalization: r_max = 3 / (1 + 2 exp(-t)), d_max = 5 / (1 + 4999 exp(-2 t)). DenseReg's code has
    the brackets of the second otherwise, d_max = 0.001 exp(2 t): the same while t is small, but without an end.

    The running statistics are averages of all batches until there are 1 / (1 - decay) of them, and decay after
    that; the code's start from 0 and 1, which a short training would still carry with it.

    Statistics are taken in float32, also under autocast.

    Args:
        channels: of the map.
        decay: of the running statistics.
        epsilon: added to variances.
    """

    running_mean: Tensor
    running_var: Tensor
    steps: Tensor

    def __init__(self, channels: int, *, decay: float = 0.99, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.decay, self.epsilon = decay, epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("steps", torch.zeros(()))

    def bounds(self) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """(r_max, d_max) after the steps taken."""
        time = self.steps * 1e-5
        return 3 / (1 + 2 * torch.exp(-time)), 5 / (1 + 4999 * torch.exp(-2 * time))

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        if not self.training:
            return functional.batch_norm(
                features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.epsilon
            )
        scale, shift = self._correction(features)
        # (x_hat * r + d) * weight + bias, as plain batch normalization with another weight and bias.
        weight, bias = self.weight * scale, self.weight * shift + self.bias
        return functional.batch_norm(features, None, None, weight, bias, training=True, eps=self.epsilon)

    @torch.no_grad()
    def _correction(self, features: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "C"], Float[Tensor, "C"]]:
        """(r, d) against the running statistics, which then take this batch in."""
        features = features.float()
        mean = features.mean((0, 2, 3))  # `torch.var_mean` takes ten times as long on a CPU
        variance = (features - mean[:, None, None]).square().mean((0, 2, 3))
        r_max, d_max = self.bounds()
        first = self.steps == 0
        running_std = torch.where(first, variance, self.running_var).add(self.epsilon).sqrt()
        scale = ((variance + self.epsilon).sqrt() / running_std).clamp(1 / r_max, r_max)
        shift = ((mean - torch.where(first, mean, self.running_mean)) / running_std).clamp(-d_max, d_max)
        self.steps += 1
        share = (1 / self.steps).clamp_min(1 - self.decay)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)
        return scale, shift

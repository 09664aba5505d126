"""The work of a training step on tensors that say they are on a GPU and hold no numbers: a script, for test_fake_gpu.

It stands in for CUDA in a CPU build. A `FakeTensor` knows its shape, type and device; an operation on two devices
raises, and so does one for which a GPU would have to be waited for: asking a tensor for its numbers, or carrying
numbers of Python over to it. PyTorch's device for backends written in Python plays the GPU, since autograd and indexing
ask for a device guard, which a CPU build has for no CUDA. It is known to the whole process, so this is a script.
"""

import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    FakeTensor,
    FakeTensorDeviceMismatchError,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.library import Library, fallthrough_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

from handkit.geometry.crop import Crop, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.models import MODELS
from handkit.models.localizer import Localizer
from handkit.recipes import augment
from handkit.recipes.augment import Augment, disturb, jitter
from handkit.skeleton import HAND21, Skeleton
from handkit.store.resident import ResidentPatches
from handkit.training.targets import located_targets, location_targets, pose_targets, usable

ROWS = 4
LARGE = Augment(
    center_mm=10, far_mm=50, far=0.1, scale=0.1, roll=1, center_px=5, aspect=0.1, depth_noise_mm=2, erase=0.5,
    edges_mm=(200.0, 250.0),
)  # fmt: skip
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "attention-hourglass": [{"regression": kind} for kind in ("attention", "raw", "direct", "one-task")],
    "crossinfonet": [{}, {"cross": False, "heatmaps": False}],
    "densereg": [
        *({"answer": kind} for kind in ("field", "offset", "detection-depth", "detection-coordinates", "coordinates")),
        {"weighted": False},
    ],
    "latent-fusion": [{}, {"planes": ["xy"], "heatmaps": "explicit", "hourglasses": 2}, {"reinjection": False}],
    "srn": [
        *({"reparameterization": kind} for kind in ("fields", "deconvolution", "heatmaps", "heatmaps+depth")),
        {"space": "cube", "stages": 1},
    ],
}
"""Under which a network runs code that it does not run by default."""


class Undrawn(TorchFunctionMode):
    """Random numbers without their generator: here is none for a GPU, and no number is looked at."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **{name: value for name, value in (kwargs or {}).items() if name != "generator"})


class Generator(torch.Generator):
    """Says that it draws on the GPU."""

    @property
    def device(self) -> torch.device:  # pyright: ignore[reportIncompatibleVariableOverride]
        return torch.device("gpu", 0)


MODE = FakeTensorMode()
"""One for all: its tensors know no others."""


def made(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    with torch._C._DisableTorchDispatch():
        return FakeTensor(MODE, torch.empty(shape, dtype=dtype, device="meta"), torch.device("gpu", 0))


def built(kind: Callable[..., Any], *skeleton: Skeleton, **arguments: Any) -> Any:
    """The network with parameters and buffers on the GPU."""
    with unset_fake_temporarily(), torch.device("meta"):
        network = kind(*skeleton, **arguments)
    for module in network.modules():
        for name, value in module._parameters.items():
            if value is not None:
                module._parameters[name] = nn.Parameter(made(*value.shape, dtype=value.dtype))
        for name, value in module._buffers.items():
            if value is not None:
                module._buffers[name] = made(*value.shape, dtype=value.dtype)
    network.to = lambda *_, **__: network  # what a fake parameter refuses
    return network


def frame() -> LabeledFrame:
    camera = Intrinsics(made(ROWS, 3, 3), 160, 160)
    cube = Cube(made(ROWS, 3), made(ROWS, 3), made(ROWS), made(ROWS, dtype=torch.bool))
    return LabeledFrame(made(ROWS, 160, 160), camera, made(ROWS, 21, 3), cube)


def crop(resolution: int = 64) -> Crop:
    one = frame()
    return crop_hand(one, one.cube, resolution)


def learn(network: Any, targets: dict[str, Tensor]) -> None:
    """A loss and its gradients, all on the GPU."""
    terms = network.train().loss(**targets)
    torch.stack(list(terms.values())).sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            here(parameter.grad, name)


def here(tensor: Tensor, name: str = "the answer") -> None:
    assert tensor.device.type == "gpu", f"{name} is on {tensor.device}"


def step(name: str, arguments: dict[str, Any]) -> None:
    """From frames to gradients, and the answer."""
    network = built(MODELS[name], HAND21, **arguments)
    targets = pose_targets(network, LARGE)(frame(), network.resolution, Generator())
    here(usable(targets))
    learn(network, targets)
    here(network.eval()(targets["points"]))


def geometry(space: Space) -> None:
    cut = crop()
    for answer in (cut.depth, cut.foreground, cut.camera.matrix, cut.points(space)):
        here(answer)
    here(cut.denormalize(cut.normalize(made(ROWS, 21, 3), space), space))
    here(frame().patch(left=3, top=-2, width=40, height=50).depth)
    here(frame()[:2].camera.project(made(2, 21, 3)))


def augmentation(policy: Augment) -> None:
    cut = crop()
    here(jitter(cut.cube, policy, Generator()).center)
    here(disturb(cut, policy, Generator()).depth)


def location() -> None:
    localizer = built(Localizer)
    targets = location_targets(frame(), localizer.resolution, Generator())
    here(usable(targets))
    learn(localizer, targets)


def located() -> None:
    network, localizer = built(MODELS["srn"], HAND21), built(Localizer).eval()
    targets = located_targets(pose_targets(network, LARGE), localizer, 280.0)
    here(targets(frame(), 128, Generator())["points"])


def resident() -> None:
    """Patches of a store that lies on the GPU: what is sent to it are a few numbers for each frame."""
    rows = np.zeros(3, [("valid", bool), ("height", np.uint16), ("width", np.uint16)])
    rows["valid"], rows["height"], rows["width"] = True, (40, 30, 20), (20, 30, 50)
    patches = ResidentPatches(made(1000 + 800 + 900, dtype=torch.int16), np.array([0, 800, 1700]))
    depth = patches.depth(np.arange(3), rows, unit_mm=0.5)
    here(depth)
    assert depth.shape == (3, 40, 50)


def found(work: Callable[[Tensor], object], error: type[Exception]) -> None:
    """Work that is not as it should be raises."""
    try:
        work(made(3))
    except error:
        return
    raise AssertionError("nothing was found")


MISTAKES: dict[str, tuple[Callable[[Tensor], object], type[Exception]]] = {
    "two devices": (lambda tensor: tensor + torch.zeros(3), FakeTensorDeviceMismatchError),
    "a number asked for": (lambda tensor: float(tensor.sum()), DataDependentOutputException),
    "numbers carried over": (lambda tensor: tensor + tensor.new_tensor([1.0, 2.0, 3.0]), NotImplementedError),
}


def _checks() -> Iterator[tuple[str, Callable[[], None]]]:
    for name in MODELS:
        for arguments in ARGUMENTS[name]:
            yield (
                " ".join([name, *(f"{key}={value}" for key, value in arguments.items())]),
                partial(step, name, arguments),
            )
    for space in Space:
        yield f"geometry {space.value}", partial(geometry, space)
    for name, policy in {**vars(augment), "LARGE": LARGE}.items():
        if isinstance(policy, Augment):
            yield f"augmentation {name}", partial(augmentation, policy)
    for name, (work, error) in MISTAKES.items():
        yield f"found: {name}", partial(found, work, error)
    yield from {"location": location, "located": located, "resident": resident}.items()


CHECKS = dict(_checks())


def main() -> None:
    """A line for each check, as `name: works` or where and why it did not."""
    backend: Any = _DummyBackendModule()
    backend.get_amp_supported_dtype = lambda: [torch.bfloat16]
    _setup_privateuseone_for_python_backend("gpu", backend_module=backend)
    without_casts = Library("_", "IMPL", "AutocastPrivateUse1")
    without_casts.fallback(fallthrough_kernel)
    for title, check in CHECKS.items():
        try:
            with MODE, Undrawn():
                check()
            print(f"{title} = works")
        except Exception as error:
            place = [line for line in traceback.extract_tb(error.__traceback__) if "handkit" in line.filename]
            where = f"{place[-1].filename}:{place[-1].lineno}" if place else "?"
            print(f"{title} = {where}: {type(error).__name__}: {str(error).splitlines()[0][:150]}")


if __name__ == "__main__":
    main()

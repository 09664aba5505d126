"""`handkit train`: options that become one call of `handkit.training.experiment.fit`, or of its folds."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from handkit.cli.options import Frames, MaybeCount, MaybeFolder, MaybeWeights, Network, Refined, Weights
from handkit.errors import StoppedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handkit.training.experiment import Experiment
    from handkit.training.folder import Report
    from handkit.training.loop import Budget
    from handkit.training.processes import Machine


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train a network; checkpoints, weights and a log go to a folder."""

    network: Network
    """What to train; `handkit info` names the networks, `handkit info NETWORK` its arguments."""
    data: Frames = "synthetic"
    """Frames rendered on the fly, or a packed store."""
    minutes: Annotated[float | None, arg(metavar="M")] = None
    """Stop after this many minutes of training (60 if no budget is given)."""
    samples: MaybeCount = None
    """Stop after this many training samples instead; a published experiment has epochs of its own."""
    init: MaybeWeights = None
    """Begin with what fits of these weights, at the recipe's last resolution and half its learning rate."""
    pose: MaybeWeights = None
    """Confidence: the pose network whose answers it judges; the bundled latent-fusion by default."""
    model_args: Annotated[tuple[str, ...], arg(metavar="KEY=VALUE...")] = ()
    """Constructor arguments of the network, such as stages=1; parts of a list are joined by +."""
    resolution: MaybeCount = None
    """Crops of this many pixels a side throughout."""
    center_refinement: Refined = None
    """Coarse centers: as they are, moved by the localizer at test, or in training too."""
    localizer: Weights = "localizer"
    """Weights of the localizer that does so."""
    as_printed: bool = False
    """CrossInfoNet on a store: as the paper has it, where the released code does otherwise."""
    test: Annotated[str | None, arg(metavar="STORE")] = None
    """A packed store to measure on at every checkpoint; the last weights and the best on it are both reported."""
    allow_test: bool = False
    """Train on a published test set all the same."""
    fold: Annotated[str | None, arg(metavar="SUBJECT|all")] = None
    """Leave a subject of the store out (P0 to P8 of MSRA15) and measure on it; all: one after the other."""
    batch: MaybeCount = None
    """Frames in a step, if not the recipe's."""
    accumulate: MaybeCount = None
    """Parts of a batch that pass the network one after the other, as so many processes would take them."""
    learning_rate: Annotated[float | None, arg(metavar="RATE")] = None
    """Peak of the schedule, if not the recipe's."""
    precision: Annotated[Literal["bf16", "f32"] | None, arg(metavar="bf16|f32")] = None
    """Mixed bfloat16, or float32 throughout: a published experiment's by default, bf16 for our own recipes."""
    threads: MaybeCount = None
    """Of the network; all cores by default."""
    workers: MaybeCount = None
    """Processes that render or read frames beside it; 1 by default, on a GPU more, for patches in memory none."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a GPU if there is one."""
    devices: MaybeCount = None
    """Of this machine, under torchrun with a process for each, which share every batch."""
    nodes: MaybeCount = None
    """Machines, under torchrun."""
    patches: Literal["auto", "memory", "disk"] = "auto"
    """Of a store: held in the device's memory, or read from disk; auto: memory on a GPU with room for them."""
    tensorboard: bool = False
    """Write the log for TensorBoard as well, to OUT/tensorboard."""
    seed: int = 1
    """Another seed gives other first weights and other frames."""
    out: MaybeFolder = None
    """Folder of the run; runs/NETWORK by default."""
    resume: bool = False
    """Continue the run in that folder exactly where it stopped."""

    def run(self) -> int:
        try:
            return self._train()
        except StoppedError as stopped:
            raise StoppedError(f"{stopped}; --resume continues it", status=stopped.status) from None

    def _train(self) -> int:
        from handkit.cli.progress import Bar, print_fold, print_measured, print_spent, say
        from handkit.training.adapt import check_beginning
        from handkit.training.experiment import check_folder, fit
        from handkit.training.folds import fit_folds, measure_fold, measure_test, nobody_watches
        from handkit.training.processes import is_first, started

        here = started()[1]
        machine = self._machine(here)
        experiment, out = self._experiment(), self.out or Path("runs") / self.network
        budget = self._budget(experiment)
        check_beginning(experiment, machine)
        if self.fold == "all":
            if here > 1:
                raise UsageError("--fold all trains in one process; leave torchrun out, or name one subject")
            for fold in fit_folds(
                experiment, self._budget, out=out, machine=machine, init=self.init, resume=self.resume, watch=Bar,
                say=say,
            ):  # fmt: skip
                if fold.fitted:
                    print_spent(fold.fitted)
                print_fold(fold)
            return 0
        check_folder(experiment, out, init=self.init, resume=self.resume)  # `fit` does too, but below a bar
        watch = Bar if is_first() else nobody_watches
        with watch(f"{self.network} without {self.fold}" if self.fold else self.network) as tell:
            fitted = fit(
                experiment, budget, out=out, machine=machine, init=self.init, resume=self.resume,
                tell=self._with_tensorboard(tell, out), say=say,
            )  # fmt: skip
        if not is_first():
            return 0
        print_spent(fitted)
        if experiment.without:
            print_fold(measure_fold(experiment, fitted))
        for measured in measure_test(experiment, fitted):
            print_measured(measured)
        return 0

    def _machine(self, here: int) -> "Machine":
        """`here`: processes of the training on this machine, which share its cores."""
        from handkit.training.processes import Machine

        threads = max(1, (os.cpu_count() or 1) // here) if self.threads is None else self.threads
        return Machine(
            threads=threads, workers=self.workers, accelerator=self.accelerator, devices=self.devices,
            nodes=self.nodes, patches=self.patches,
        )  # fmt: skip

    def _with_tensorboard(self, tell: "Callable[[Report], None]", out: Path) -> "Callable[[Report], None]":
        """Who hears of every line of the log."""
        from handkit.training.processes import is_first
        from handkit.training.tensorboard import TensorBoard

        if not (self.tensorboard and is_first()):
            return tell
        board = TensorBoard(out)

        def both(report: "Report") -> None:
            tell(report)
            board(report)

        return both

    def _budget(self, experiment: "Experiment") -> "Budget":
        return experiment.budget(samples=self.samples, minutes=self.minutes)

    def _experiment(self) -> "Experiment":
        from handkit.cli.progress import say
        from handkit.models.arguments import check_network, read_arguments
        from handkit.recipes.recipe import PRECISIONS
        from handkit.store.store import PackedFrames
        from handkit.training.adapt import make_experiment

        return make_experiment(
            self.network,
            store=None if self.data == "synthetic" else PackedFrames.open(Path(self.data)),
            fold=self.fold,
            test=PackedFrames.open(Path(self.test)) if self.test else None,
            arguments=read_arguments(check_network(self.network, parts=True), self.model_args),
            resolution=self.resolution,
            refinement=self.center_refinement,
            continued=bool(self.init),
            batch=self.batch,
            accumulate=self.accumulate,
            learning_rate=self.learning_rate,
            precision=PRECISIONS[self.precision] if self.precision else None,
            pose=self.pose,
            localizer=self.localizer,
            printed=self.as_printed,
            seed=self.seed,
            allow_test=self.allow_test,
            say=say,
        )

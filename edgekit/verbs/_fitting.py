# SPDX-License-Identifier: Apache-2.0
"""The inside of `fit`: one candidate made, fine-tuned, quantized, built and measured."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.boards import Board
from edgekit.errors import EdgekitError
from edgekit.progress import SILENT, Progress

if TYPE_CHECKING:
    from edgekit.lower.program import Program
    from edgekit.model.dataset import Dataset, Split
    from edgekit.model.load import LoadedModel
    from edgekit.prune.finetune import Budget
    from edgekit.verbs._conversion import Conversion

ROOM_BYTES = 64 << 20  # of each region while measuring: what does not fit has a size as well


@dataclass(frozen=True, slots=True)
class Candidate:
    """A point of the search: `channels` is the share of each group's channels that goes, by
    `score`; `sparsity` of what is left is zero then, as `structure`, `scope` and `criterion` say.
    """

    channels: dict[str, float] = field(default_factory=dict)
    score: str = "l2"
    sparsity: float = 0.0
    structure: str = "unstructured"
    scope: str = "global"
    criterion: str = "magnitude"


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a candidate is: int8 `accuracy` on the host, bytes of the built firmware, MACs."""

    accuracy: float
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    macs: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What the user chose: `samples` calibrate, `eval_samples` are scored."""

    board: Board
    budget: Budget
    optimize: str
    samples: int
    eval_samples: int
    augment: str


@dataclass(frozen=True, slots=True, eq=False)
class Workshop:
    """Everything that stays the same from candidate to candidate.

    `data` is what the user gave, `train` and `judges` are learned from and decide which epoch
    was best, `scored` is what accuracy is counted on.
    """

    loaded: LoadedModel
    data: Any
    dataset: Dataset
    train: Split
    judges: Split
    scored: Split
    setting: Setting

    def groups(self) -> tuple[str, ...]:
        """Names of the coupled groups of channels that may lose some."""
        from edgekit.prune.channels import find_groups

        return tuple(group.name for group in find_groups(self.loaded.keras) if not group.reason)

    def thin(self, candidate: Candidate) -> Any:
        """A copy without the channels that `candidate` does without, not fine-tuned."""
        from edgekit.prune.channels import find_groups, group_scores, remove_channels
        from edgekit.verbs._pruned_files import clone

        model = clone(self.loaded.keras)
        groups = {g.name: g for g in find_groups(model) if candidate.channels.get(g.name)}
        if not groups:
            return model
        scores = group_scores(list(groups.values()), candidate.score)
        chosen = {}
        for name, group in groups.items():
            count = min(round(group.size * candidate.channels[name]), group.size - 1)
            chosen[name] = np.sort(np.argsort(scores[name], kind="stable")[:count])
        return remove_channels(model, chosen)

    def tune(self, model: Any, candidate: Candidate, progress: Progress = SILENT) -> None:
        """Fine-tune, taught by the model as it came; without epochs only zero what is to go."""
        from edgekit.prune.augment import named_augment
        from edgekit.prune.batchnorm import recalibrate_bn
        from edgekit.prune.feed import Lesson
        from edgekit.prune.finetune import fine_tune

        assert self.train.y is not None and self.judges.y is not None
        if not any(candidate.channels.values()) and not candidate.sparsity:
            return
        x, seed = self.train.arrays(), self.setting.budget.seed
        if self.setting.budget.epochs == 0:
            self._zero(model, candidate)
            recalibrate_bn(model, x, seed=seed)
            return
        # Statistics of all channels are far off for few: short runs do not catch up with them.
        recalibrate_bn(model, x, seed=seed)
        lesson = Lesson(
            x,
            self.train.y,
            teacher=self.loaded.keras,
            augment=named_augment(self.setting.augment),
            held_out=(self.judges.arrays(), self.judges.y) if len(self.judges) else None,
        )
        budget = self.setting.budget.resolved(len(lesson))
        fine_tune(model, lesson, self._pruner(model, candidate), budget, progress)
        recalibrate_bn(model, x, seed=seed)

    def _pruner(self, model: Any, candidate: Candidate) -> Any:
        from edgekit.prune.pruner import pruner_class

        if candidate.sparsity == 0:
            return idle_pruner()
        return pruner_class()(
            candidate.sparsity,
            data=self._evidence(model),
            method=candidate.criterion,
            scope=candidate.scope,
            structure=candidate.structure,
        )

    def _zero(self, model: Any, candidate: Candidate) -> None:
        from edgekit.prune.masks import Choice
        from edgekit.prune.oneshot import prune_at_once

        if candidate.sparsity > 0:
            choice = Choice(candidate.criterion, candidate.scope, candidate.structure)
            prune_at_once(model, candidate.sparsity, choice, self._evidence(model))

    def _evidence(self, model: Any) -> Any:
        from edgekit.prune.evidence import make_evidence
        from edgekit.prune.goals import goals_of

        assert self.train.y is not None
        loss = goals_of(model, self.train.y).loss
        return make_evidence(
            model, self.train.x, self.train.y, loss=loss, seed=self.setting.budget.seed
        )

    def measure(self, model: Any) -> tuple[Sizes, bytes]:
        """Quantize, build for a board with room for anything, and count; with the .tflite."""
        from edgekit.lower.build import lower_graph, macs
        from edgekit.lower.program import Target
        from edgekit.verbs._conversion import Options, from_keras

        options = Options(self.setting.samples, 0, self.setting.budget.seed)
        done = from_keras(model, self.data, options, SILENT)
        program = lower_graph(
            done.graph, Target(core=self.setting.board.core, optimize=self.setting.optimize)
        )
        flash_bytes, ram_bytes = _built(done, program, self.setting.board, self.setting.optimize)
        sizes = Sizes(
            accuracy=self._accuracy(done, program),
            flash_bytes=flash_bytes,
            ram_bytes=ram_bytes,
            arena_bytes=program.plan.arena_bytes,
            macs=sum(macs(op, done.graph) for op in done.graph.ops),
        )
        return sizes, done.tflite

    def _accuracy(self, done: Conversion, program: Program) -> float:
        """By the aot code on this host: the same arithmetic as on the board, bit for bit."""
        from edgekit.build.host import HostModel
        from edgekit.emit.aot import aot_sources
        from edgekit.measure.compare import score
        from edgekit.quantize.agree import real_outputs

        assert self.scored.y is not None
        host = HostModel(program, aot_sources(program, "fit", "fit"), "fit")
        return score(
            real_outputs(host, done.graph, self.scored.arrays())[0], self.scored.y
        ).accuracy


def _built(done: Conversion, program: Program, board: Board, optimize: str) -> tuple[int, int]:
    """Flash and RAM in bytes of the whole firmware."""
    from edgekit.build.firmware import build_firmware
    from edgekit.emit.aot import aot_sources
    from edgekit.emit.project import write_project

    wide = roomy(board)
    with tempfile.TemporaryDirectory(prefix="edgekit-fit-") as name:
        folder = Path(name)
        sources: dict[str, str | bytes] = dict(aot_sources(program, "fit", "fit"))
        write_project(
            folder, wide, sources, name="fit", runtime="aot", provenance="fit", optimize=optimize
        )
        built = build_firmware(folder, wide)
    return built.flash_bytes, built.ram_bytes


def roomy(board: Board) -> Board:
    """`board` with more memory than it has, each region as long as the next one lets it be."""
    starts = sorted(region.origin for region in board.memory.regions)
    regions = []
    for region in board.memory.regions:
        following = [start for start in starts if start > region.origin]
        free = min(ROOM_BYTES, *(start - region.origin for start in following), 1 << 62)
        wider = max(region.length_bytes, free)
        regions.append(dataclasses.replace(region, length_bytes=wider))
    memory = dataclasses.replace(
        board.memory, flash_bytes=ROOM_BYTES, ram_bytes=ROOM_BYTES, regions=tuple(regions)
    )
    return dataclasses.replace(board, memory=memory)


def idle_pruner() -> Any:
    """A callback in the pruner's place for models that only learn."""
    from edgekit.model.tf import keras

    base: Any = keras().callbacks.Callback

    class Idle(base):
        masks = None
        current = target = 0.0
        finish_on_end = True

    return Idle()


def workshop(
    model: Any, data: Any, setting: Setting, custom: tuple[Any, ...], progress: Progress
) -> Workshop:
    """Load and split; EdgekitError where the data cannot teach and judge a classifier."""
    from edgekit.model.data import load_data
    from edgekit.verbs._lessons import judges_of, splits

    if data is None:
        raise EdgekitError("fit fine-tunes and judges, and there are no data", hint="give --data")
    loaded = _loaded(model, custom, progress)
    dataset = load_data(data, loaded.inputs)
    train, held_out = splits(dataset, setting.budget.seed)
    if not train.labelled or len(loaded.keras.outputs) != 1:
        raise EdgekitError(
            "fit compares accuracies, and these data and this model give none",
            hint="give labelled data (class numbers) and a model with one output",
        )
    judges, rest = judges_of(len(train), setting.budget.seed)
    scored = held_out.take(np.arange(min(setting.eval_samples, len(held_out))))
    parts = train.take(rest), train.take(judges), scored
    return Workshop(loaded, data, dataset, *parts, setting)


def _loaded(model: Any, custom: tuple[Any, ...], progress: Progress) -> LoadedModel:
    from edgekit.model.load import load_model

    progress.say("loading the model")
    loaded = load_model(model, custom=custom)
    if loaded.keras is None:
        raise EdgekitError(
            f"'{loaded.source}' is a SavedModel without Keras layers",
            hint="give the .keras or .h5 file that it was exported from",
        )
    return loaded

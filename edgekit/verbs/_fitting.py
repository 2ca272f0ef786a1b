# SPDX-License-Identifier: Apache-2.0
"""The inside of `fit`: one candidate made, fine-tuned, quantized, built and measured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.boards import Board
from edgekit.errors import EdgekitError
from edgekit.progress import SILENT, Progress
from edgekit.verbs._foretell import count
from edgekit.verbs._roomy import built_bytes

if TYPE_CHECKING:
    from edgekit.lower.program import Program
    from edgekit.model.dataset import Dataset, Split
    from edgekit.model.load import LoadedModel
    from edgekit.prune.finetune import Budget
    from edgekit.verbs._conversion import Conversion

JUDGED_WITH = 512  # samples that batch-norm statistics are estimated on to judge an epoch


@dataclass(frozen=True, slots=True)
class Candidate:
    """A point of the search: `channels` is the share of each group's channels that goes, by
    `score`; `sparsity` of what is left is zero then, as `structure`, `scope` and `criterion` say.
    `calibration` is how the int8 ranges are found.
    """

    channels: dict[str, float] = field(default_factory=dict)
    score: str = "taylor"
    sparsity: float = 0.0
    structure: str = "unstructured"
    scope: str = "global"
    criterion: str = "magnitude"
    calibration: str = "mse"


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a candidate is: int8 `accuracy` on the host, bytes of the built firmware, MACs.

    `constant_bytes` are those of the constants in the .tflite file.
    """

    accuracy: float
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    macs: int
    constant_bytes: int


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
    scores: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def groups(self) -> tuple[str, ...]:
        """Names of the coupled groups of channels that may lose some."""
        from edgekit.prune.channels import find_groups

        return tuple(group.name for group in find_groups(self.loaded.keras) if not group.reason)

    def worths(self, score: str) -> dict[str, np.ndarray]:
        """Group -> what each of its channels is worth in the model as it came."""
        from edgekit.prune.channels import find_groups, group_scores
        from edgekit.prune.channels.gradients import loss_gradients

        if score not in self.scores:
            model, gradients = self.loaded.keras, []
            if score == "taylor":
                evidence = self._evidence(model)
                for batch in evidence.batches:
                    gradients += loss_gradients(model, batch.x, batch.y, evidence.loss)
            self.scores[score] = group_scores(find_groups(model), score, gradients)
        return self.scores[score]

    def thin(self, candidate: Candidate) -> Any:
        """A copy without the channels that `candidate` does without, not fine-tuned."""
        from edgekit.prune.channels import find_groups, remove_channels
        from edgekit.verbs._pruned_files import clone

        model = clone(self.loaded.keras)
        groups = {g.name: g for g in find_groups(model) if candidate.channels.get(g.name)}
        if not groups:
            return model
        scores = self.worths(candidate.score)
        chosen = {}
        for name, group in groups.items():
            count = min(round(group.size * candidate.channels[name]), group.size - 1)
            chosen[name] = np.sort(np.argsort(scores[name], kind="stable")[:count])
        return remove_channels(model, chosen)

    def tune(
        self,
        model: Any,
        candidate: Candidate,
        progress: Progress = SILENT,
        steps: int | None = None,
    ) -> None:
        """Fine-tune, taught by the model as it came; without epochs only zero what is to go.

        `steps` are in place of the setting's budget.
        """
        from edgekit.prune.augment import named_augment
        from edgekit.prune.batchnorm import recalibrate_bn
        from edgekit.prune.feed import Lesson
        from edgekit.prune.finetune import fine_tune

        assert self.train.y is not None and self.judges.y is not None
        if not any(candidate.channels.values()) and not candidate.sparsity:
            return
        x, seed = self.train.arrays(), self.setting.budget.seed
        if self.setting.budget.epochs == 0 and not steps:
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
        budget = self.setting.budget
        if steps:
            budget = replace(budget, epochs=None, steps=steps)
        budget = budget.resolved(len(lesson))
        pruner = self._pruner(model, candidate)
        fine_tune(model, lesson, pruner, budget, progress, scorer=self._scorer(lesson, model))
        recalibrate_bn(model, x, seed=seed)

    def _scorer(self, lesson: Any, model: Any) -> Any:
        """Judges epochs with the statistics that the model will have in the end."""
        from edgekit.prune.batchnorm import recalibrate_bn, restore, statistics
        from edgekit.prune.goals import goals_of
        from edgekit.prune.keeper import scorer_for

        if (plain := scorer_for(lesson, goals_of(model, lesson.y))) is None:
            return None
        few = self.train.take(np.arange(min(len(self.train), JUDGED_WITH))).arrays()

        def scorer(tuned: Any) -> float:
            own = statistics(tuned)
            recalibrate_bn(tuned, few, seed=self.setting.budget.seed)
            try:
                return plain(tuned)
            finally:
                restore(tuned, own)

        return scorer

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

    def measure(self, model: Any, ranges: str = "mse") -> tuple[Sizes, bytes]:
        """Quantize, build for a board with room for anything, and count; with the .tflite."""
        from edgekit.lower.build import lower_graph
        from edgekit.lower.program import Target
        from edgekit.verbs._conversion import Options, from_keras

        options = Options(self.setting.samples, 0, self.setting.budget.seed, ranges)
        done = from_keras(model, self.data, options, SILENT)
        program = lower_graph(
            done.graph, Target(core=self.setting.board.core, optimize=self.setting.optimize)
        )
        counted = count(done.graph, program)
        flash_bytes, ram_bytes = built_bytes(program, self.setting.board, self.setting.optimize)
        sizes = Sizes(
            accuracy=self._accuracy(done, program),
            flash_bytes=flash_bytes,
            ram_bytes=ram_bytes,
            arena_bytes=counted.arena_bytes,
            macs=counted.macs,
            constant_bytes=counted.constant_bytes,
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

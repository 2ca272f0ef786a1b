# SPDX-License-Identifier: Apache-2.0
"""The search of `fit`: an Optuna study, where it is stored, and what it tries."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError, ToolMissing
from edgekit.verbs._fitting import Candidate
from edgekit.verbs._foretell import GRID
from edgekit.verbs._foretell import MOST as MOST_SHARE

NAME = "edgekit-fit"
MOST = 0.9  # of the weights that go to zero
STEP = 0.05
# Tried before the sampler has anything to learn from: the whole range.
FIRST = (0.5, 0.25, 0.75, 0.625)
SCREENED_PER_TRIAL = 12  # candidates that may be turned down unbuilt for each one that is measured
PARTS = ("channels", "sparsity", "ranges")
RANGES = ("mse", "percentile", "minmax", "kl")
COLLISIONS = ("IntegrityError", "OperationalError")  # of databases
AGAIN_S = (0.2, 0.5, 1.0, 2.0)  # until the next attempt to open one
_GROUP = "channels of "  # the name of a group's parameter begins like this
_WORST = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Space:
    """What is searched over: `parts` of PARTS, and the `groups` of channels."""

    parts: Sequence[str]
    groups: Sequence[str]

    def uniform(self, share: float) -> dict[str, float]:
        """The point with the same share everywhere."""
        point: dict[str, float] = {}
        if "channels" in self.parts:
            point |= {f"{_GROUP}{name}": share for name in self.groups}
        return point | ({"sparsity": share} if self.parts == ("sparsity",) else {})

    def point(self, shares: Mapping[str, float]) -> dict[str, Any]:
        """That of these shares of the groups, by Taylor scores and with nothing zeroed."""
        point: dict[str, Any] = {f"{_GROUP}{name}": share for name, share in shares.items()}
        point |= {"score": "taylor"} | ({"ranges": RANGES[0]} if "ranges" in self.parts else {})
        return point | ({"sparsity": 0.0} if "sparsity" in self.parts else {})


def need_optuna() -> Any:
    """The module optuna, kept quiet; ToolMissing where it is not installed."""
    if find_spec("optuna") is None:
        raise ToolMissing("optuna is not installed", hint="pip install 'edgekit[fit]'")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class TurnedDown(Exception):
    """A candidate that will not keep to the limits: not built; `over` as in its row."""

    def __init__(self, over: list[float], flash_bytes: int, macs: int) -> None:
        super().__init__("over the limits")
        self.over, self.flash_bytes, self.macs = over, flash_bytes, macs


@contextlib.contextmanager
def calm() -> Iterator[None]:
    """Optuna marks what it may still change as experimental, each time it is used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_study(url: str, default: Path, identity: str, seed: int) -> Any:
    """The study at `url` (a database URL, or a journal file's path; "" = `default`).

    EdgekitError where it cannot be opened or holds trials of another fit.
    """
    optuna = need_optuna()
    with calm():
        try:
            study = _created(optuna, url, default)
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
            raise EdgekitError(
                f"the study '{_named(url, default)}' cannot be opened: {reason}",
                hint="give --study a file to write to, or a database URL such as sqlite:///fit.db",
            ) from error
        known = study.user_attrs.get("identity")
        if known not in (None, identity):
            raise EdgekitError(
                f"the study '{_named(url, default)}' is of another model, board, data or budget",
                hint="give another --study, or delete that one",
            )
        study.set_user_attr("identity", identity)
        count = len(study.trials)
        # A later process draws other points than the first, though the seed is the same.
        study.sampler = optuna.samplers.TPESampler(
            seed=seed + count, n_startup_trials=len(FIRST) + 2, constraints_func=_constraints
        )
    return study


def _created(optuna: Any, url: str, default: Path) -> Any:
    """Two processes that make the tables of a new database at once get in each other's way."""
    for wait_s in (*AGAIN_S, None):
        try:
            return optuna.create_study(
                study_name=NAME,
                storage=_storage(optuna, url, default),
                directions=["minimize"] * 3,
                load_if_exists=True,
            )
        except Exception as error:
            if wait_s is None or not any(kind in str(error) for kind in COLLISIONS):
                raise
            time.sleep(wait_s)
    return None


def _storage(optuna: Any, url: str, default: Path) -> Any:
    if url.startswith("sqlite:"):
        return _one_writer(optuna.storages.RDBStorage(url))
    if "://" in url:
        return url
    path = Path(url) if url else default
    path.parent.mkdir(parents=True, exist_ok=True)
    journal = optuna.storages.journal
    return optuna.storages.JournalStorage(journal.JournalFileBackend(str(path)))


def _one_writer(storage: Any) -> Any:
    """SQLite has no SELECT ... FOR UPDATE, with which Optuna keeps two processes from taking the
    same waiting trial: here each transaction takes the write lock as it begins (SQLAlchemy's
    manual, SQLite, "Serializable isolation / Savepoints / Transactional DDL").
    """
    from sqlalchemy import event

    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    def began(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    storage.engine.dispose()
    event.listen(storage.engine, "connect", connected)
    event.listen(storage.engine, "begin", began)
    return storage


def _named(url: str, default: Path) -> str:
    """A file's name, or what kind of database it is: its URL may hold a password."""
    scheme, found, _ = url.partition("://")
    return f"{scheme}://" if found else url or str(default)


def enqueue(study: Any, points: Sequence[Mapping[str, Any]]) -> None:
    """Tried first are these, but for those that are tried, waiting or under way already."""
    known = [
        trial.params | trial.system_attrs.get("fixed_params", {})
        for trial in study.trials
        if trial.state.name != "FAIL"
    ]
    with calm():
        for point in points:
            if not any(point.items() <= given.items() for given in known):
                study.enqueue_trial(dict(point))


def _constraints(trial: Any) -> Sequence[float]:
    return tuple(trial.user_attrs.get("over", _WORST))


def suggest(trial: Any, space: Space) -> Candidate:
    """A candidate whose parts the study chooses; sparsity by the tables of edgekit.prune."""
    chosen: dict[str, Any] = {}
    if "channels" in space.parts:
        chosen["channels"] = {
            name: trial.suggest_float(f"{_GROUP}{name}", 0.0, MOST_SHARE, step=GRID)
            for name in space.groups
        }
        chosen["score"] = trial.suggest_categorical("score", ["taylor", "l2"])
    if "sparsity" in space.parts:
        chosen["sparsity"] = trial.suggest_float("sparsity", 0.0, MOST, step=STEP)
        chosen["structure"] = trial.suggest_categorical("structure", ["unstructured", "2x2"])
        chosen["scope"] = trial.suggest_categorical("scope", ["global", "per_layer"])
        chosen["criterion"] = trial.suggest_categorical("criterion", ["magnitude", "stability"])
    if "ranges" in space.parts:
        chosen["calibration"] = trial.suggest_categorical("ranges", list(RANGES))
    return Candidate(**chosen)


def search(
    study: Any,
    space: Space,
    evaluate: Callable[[int, Candidate], dict[str, Any]],
    *,
    trials: int,
    time_budget_s: float | None,
) -> None:
    """Evaluate candidates until the study holds `trials` finished ones or time is over.

    `evaluate` gives the row of a candidate, or raises TurnedDown for one that is not worth to be
    measured, which does not count; one that cannot be made is remembered with its reason
    and is not tried again. Ctrl-C ends the search; finished trials stay in the study.
    """
    optuna = need_optuna()
    from edgekit.prune.finetune import Interrupted

    def objective(trial: Any) -> tuple[float, float, float]:
        candidate = suggest(trial, space)
        try:
            row = evaluate(trial.number, candidate)
        except Interrupted:
            raise KeyboardInterrupt from None
        except TurnedDown as found:
            trial.set_user_attr("candidate", dataclasses.asdict(candidate))
            trial.set_user_attr("over", found.over)
            return 1.0, float(found.flash_bytes), float(found.macs)
        except EdgekitError as error:
            trial.set_user_attr("refused", str(error))
            raise optuna.TrialPruned from None
        trial.set_user_attr("candidate", dataclasses.asdict(candidate))
        trial.set_user_attr("row", row)
        trial.set_user_attr("over", row["over"])
        return row["drop"], float(row["flash_bytes"]), float(row["macs"])

    missing = trials - finished(study)
    if missing <= 0:
        return

    def stop(study: Any, trial: Any) -> None:
        if finished(study) >= trials:
            study.stop()

    most = missing * (1 + SCREENED_PER_TRIAL)
    with calm():
        study.optimize(objective, n_trials=most, timeout=time_budget_s, callbacks=[stop], catch=())


def finished(study: Any) -> int:
    """Trials that were measured, and those that could not be made."""
    return sum(trial.state.name == "PRUNED" or "row" in trial.user_attrs for trial in study.trials)


def turned_down(study: Any) -> list[tuple[int, Candidate, list[float]]]:
    """(number, candidate, over) of those that were not measured, for what they would take."""
    return [
        (trial.number, Candidate(**trial.user_attrs["candidate"]), trial.user_attrs["over"])
        for trial in study.trials
        if trial.state.name == "COMPLETE" and "row" not in trial.user_attrs
    ]


def rows(study: Any) -> list[tuple[int, Candidate, dict[str, Any]]]:
    """(number, candidate, row) of all measured trials."""
    return [
        (trial.number, Candidate(**trial.user_attrs["candidate"]), trial.user_attrs["row"])
        for trial in study.trials
        if trial.state.name == "COMPLETE" and "row" in trial.user_attrs
    ]


def refused(study: Any) -> list[str]:
    """Why candidates could not be made."""
    return [t.user_attrs["refused"] for t in study.trials if "refused" in t.user_attrs]

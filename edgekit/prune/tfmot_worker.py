# SPDX-License-Identifier: Apache-2.0
"""tensorflow-model-optimization at home: a process of its own, in which tf.keras is Keras 2.

Run as `python -m edgekit.prune.tfmot_worker FOLDER`. The folder holds `job.json`, `model.json`
(a Keras 3 model's configuration) and `arrays.npz` (weights `w/<layer>/<place>`, probe inputs
`p/<place>`, samples `x/<place>` and `y`); the worker adds `result.npz` (weights, and the probe's
outputs before, `b/<place>`, and after, `a/<place>`; trained ranges `r/<layer>`), and a line with
the loss in `steps.txt` for each step of training. Importing the package turns tf.keras into Keras
2 for the whole process, which is why no other module of edgekit does it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError

UPDATES = 15  # of the masks over a ramp, as edgekit's own schedules make them
FAILED = 3  # exit code for what the user can change: message and hint are in `error.json`


def main(folder: Path) -> None:
    """Do the job in `folder`."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    try:
        _work(folder)
    except EdgekitError as error:
        (folder / "error.json").write_text(json.dumps({"message": str(error), "hint": error.hint}))
        raise SystemExit(FAILED) from None


def _work(folder: Path) -> None:
    from edgekit.model.tf import quiet, tensorflow
    from edgekit.prune.tfmot_layers import build_model

    tensorflow()
    import tf_keras

    with quiet():
        import tensorflow_model_optimization as tfmot

    job = json.loads((folder / "job.json").read_text()) | {"folder": str(folder)}
    arrays = dict(np.load(folder / "arrays.npz"))
    tf_keras.utils.set_random_seed(job["seed"])
    model = build_model(tf_keras, json.loads((folder / "model.json").read_text()))
    set_weights(model, arrays)
    probe = _in_order(arrays, "p")
    results = {f"b/{i}": array for i, array in enumerate(_outputs(model, probe))}
    model = _STEPS[job["verb"]](tf_keras, tfmot, model, job, arrays)
    results |= {f"a/{i}": array for i, array in enumerate(_outputs(model, probe))}
    results |= {f"r/{name}": np.array(ends) for name, ends in job.get("ranges", {}).items()}
    np.savez(folder / "result.npz", **results, **get_weights(model))  # type: ignore[arg-type]


def leaves(model: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """(path, layer) of all layers, those of nested models too; Keras 2 and 3 alike."""
    found = []
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        found += leaves(layer, f"{path}/") if hasattr(layer, "layers") else [(path, layer)]
    return found


def get_weights(model: Any) -> dict[str, np.ndarray]:
    """`w/<path of a layer>/<place>` -> array."""
    return {
        f"w/{path}/{place}": np.asarray(array)
        for path, layer in leaves(model)
        for place, array in enumerate(layer.get_weights())
    }


def set_weights(model: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """The inverse of `get_weights`; a layer with other shapes than the arrays' raises."""
    for path, layer in leaves(model):
        if own := _in_order(arrays, f"w/{path}"):
            layer.set_weights(own)


def _in_order(arrays: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    places = [name for name in arrays if name.rpartition("/")[0] == prefix]
    return [arrays[name] for name in sorted(places, key=lambda n: int(n.rpartition("/")[2]))]


def _outputs(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [
        np.asarray(out) for out in (outputs if isinstance(outputs, (list, tuple)) else [outputs])
    ]


def _wrapped(keras2: Any, model: Any, names: set[str], wrap: Any, prefix: str = "") -> Any:
    """`model` with the layers `names` (paths) wrapped; weights are shared with it."""

    def one(layer: Any) -> Any:
        path = f"{prefix}{layer.name}"
        if hasattr(layer, "layers"):
            return _wrapped(keras2, layer, names, wrap, f"{path}/")
        return wrap(layer) if path in names else layer

    return keras2.models.clone_model(model, clone_function=one)


def _prune(keras2: Any, tfmot: Any, model: Any, job: Any, arrays: Any) -> Any:
    pruning = tfmot.sparsity.keras
    steps = job["steps"]
    end = max(1, round(job["ramp"] * steps))
    every = max(1, end // UPDATES)
    if job["schedule"] == "polynomial" and steps:
        schedule = pruning.PolynomialDecay(0.0, job["sparsity"], 0, end, frequency=every)
    else:
        schedule = pruning.ConstantSparsity(job["sparsity"], 0, frequency=every)
    options: dict[str, Any] = {"pruning_schedule": schedule}
    if job["m_by_n"]:
        options["sparsity_m_by_n"] = tuple(job["m_by_n"])
    names = set(job["layers"])
    wrapped = _wrapped(
        keras2, model, names, lambda layer: pruning.prune_low_magnitude(layer, **options)
    )
    if steps:
        _fit(keras2, wrapped, job, arrays, [pruning.UpdatePruningStep()])
    for _, layer in leaves(wrapped):
        if hasattr(layer, "pruning_obj"):
            finish(layer, schedule_ends=bool(steps))
    return pruning.strip_pruning(wrapped)


def finish(wrapper: Any, *, schedule_ends: bool) -> None:
    """Masks on the weights as they are now; chosen first where nothing was trained."""
    if not schedule_ends:
        wrapper.pruning_step.assign(1)  # N:M masks are chosen at step 1 only
        wrapper.pruning_obj.conditional_mask_update()
    wrapper.pruning_obj.weight_mask_op()


def _cluster(keras2: Any, tfmot: Any, model: Any, job: Any, arrays: Any) -> Any:
    clustering = tfmot.clustering.keras
    start = clustering.CentroidInitialization[job["start"]]

    def wrap(layer: Any) -> Any:
        return clustering.cluster_weights(
            layer, number_of_clusters=job["clusters"], cluster_centroids_init=start
        )

    wrapped = _wrapped(keras2, model, set(job["layers"]), wrap)
    if job["steps"]:
        _fit(keras2, wrapped, job, arrays, [])
    return clustering.strip_clustering(wrapped)


def _quantize(keras2: Any, tfmot: Any, model: Any, job: Any, arrays: Any) -> Any:
    """`model` with the weights that were trained quantized; `job` gets the ranges by layer."""
    trained = tfmot.quantization.keras.quantize_model(model)
    wrapped = {wrapper.layer.name for wrapper in trained.layers if hasattr(wrapper, "layer")}
    if lost := [name for name in job["layers"] if name not in wrapped]:
        raise EdgekitError(
            f"tensorflow-model-optimization takes layer '{lost[0]}' apart: its weights are lost",
            hint="use edgekit's own engine, which trains it",
        )
    _fit(keras2, trained, job, arrays, [])
    own = {layer.name: layer for _, layer in leaves(model)}
    job["ranges"] = {}
    for wrapper in trained.layers:
        inner = getattr(wrapper, "layer", None)
        values = {_last(v.name): np.asarray(v) for v in wrapper.weights}
        if inner is None or inner.name not in own:
            continue
        layer = own[inner.name]
        if layer.weights:
            layer.set_weights([values[_last(v.name)] for v in layer.weights])
        for kind in ("post_activation", "output"):
            if f"{kind}_min" in values:
                ends = float(values[f"{kind}_min"]), float(values[f"{kind}_max"])
                job["ranges"][inner.name] = ends
    return model


def _last(name: str) -> str:
    """ "kernel" of "quant_conv/kernel:0"."""
    return name.rpartition("/")[2].partition(":")[0]


def _fit(keras2: Any, model: Any, job: Any, arrays: Any, callbacks: list[Any]) -> None:
    folder = Path(job["folder"])
    rate = keras2.optimizers.schedules.CosineDecay(job["learning_rate"], job["steps"], alpha=0.01)
    loss = getattr(keras2.losses, job["loss"]["name"])(**job["loss"]["settings"])
    model.compile(keras2.optimizers.Adam(rate), loss)
    x = _in_order(arrays, "x")
    told = keras2.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: _tell(folder, float((logs or {}).get("loss", 0.0)))
    )
    model.fit(
        x if len(x) > 1 else x[0],
        arrays["y"],
        batch_size=job["batch_size"],
        epochs=job["epochs"],
        verbose=0,
        callbacks=[*callbacks, told],
    )


def _tell(folder: Path, loss: float) -> None:
    with (folder / "steps.txt").open("a") as steps:
        steps.write(f"{loss:.6g}\n")


_STEPS = {"prune": _prune, "cluster": _cluster, "quantize": _quantize}

if __name__ == "__main__":
    main(Path(sys.argv[1]))

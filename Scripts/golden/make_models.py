"""Makes Tests/ModelsTests/Fixtures: models with the outputs that XGBoost and PyTorch give for them.

Rows are not stored: both sides draw them from SplitMix64 with the same seeds. Needs numpy, torch, xgboost 3.2 and safetensors.
Run from the root of the repository: python Scripts/golden/make_models.py
"""

import json
import pathlib

import numpy as np
import torch
import xgboost
from safetensors.numpy import save_file

FIXTURES = pathlib.Path("Tests/ModelsTests/Fixtures")
ROWS = 10_000
STEPS = 60
SEQUENCE_INPUTS = 18
HIDDEN = 32
TREE_FEATURES = 12
MLP_INPUTS = 78


def splitmix(seed, count):
    """The outputs of SplitMix64, as in Sources/Market/SplitMix64.swift."""
    with np.errstate(over="ignore"):
        index = np.arange(1, count + 1, dtype=np.uint64)
        z = np.uint64(seed) + index * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(seed, shape):
    """Floats in -4 to 4, exact in 24 bits."""
    bits = splitmix(seed, int(np.prod(shape))) >> np.uint64(40)
    return (bits.astype(np.float64) / 2**21 - 4).astype(np.float32).reshape(shape)


def gridded(seed, shape):
    """Sixteenths in -4 to 4, so that rows hit thresholds exactly; one in sixteen is missing."""
    bits = splitmix(seed, int(np.prod(shape)))
    values = ((bits >> np.uint64(57)).astype(np.float64) / 16 - 4).astype(np.float32)
    values[(bits & np.uint64(15)) == 0] = np.nan
    return values.reshape(shape)


def save_floats(name, values):
    (FIXTURES / name).write_bytes(np.ascontiguousarray(values, dtype="<f4").tobytes())


def make_trees(name, objective, depth, rounds, seed):
    x = gridded(seed, (4000, TREE_FEATURES))
    filled = np.nan_to_num(x)
    noise = uniform(seed + 1, 4000)
    score = 0.4 * filled[:, 0] + 0.2 * filled[:, 1] * filled[:, 2] - 0.3 * np.isnan(x[:, 3]) + 0.5 * noise
    y = (score > 0).astype(np.float32) if objective == "binary:logistic" else score.astype(np.float32)
    parameters = {"objective": objective, "max_depth": depth, "eta": 0.1, "nthread": 1, "seed": 1, "tree_method": "hist"}
    booster = xgboost.train(parameters, xgboost.DMatrix(x, y), rounds)
    text = booster.save_raw("json").decode()
    (FIXTURES / f"{name}.json").write_text(text)

    rows = gridded(seed + 2, (ROWS, TREE_FEATURES))
    margins = booster.predict(xgboost.DMatrix(rows), output_margin=True)
    assert (margins == booster.inplace_predict(rows, predict_type="margin")).all()
    save_floats(f"{name}.margins.f32", margins)
    base = uniform(seed + 3, ROWS)
    save_floats(f"{name}.offset.f32", booster.predict(xgboost.DMatrix(rows, base_margin=base), output_margin=True))
    save_floats(f"{name}.shap.f32", booster.predict(xgboost.DMatrix(rows[:100]), pred_contribs=True))

    hits = 0
    for tree in json.loads(text)["learner"]["gradient_booster"]["model"]["trees"]:
        for feature, threshold, left in zip(tree["split_indices"], tree["split_conditions"], tree["left_children"]):
            hits += int(left != -1 and (rows[:, feature] == np.float32(threshold)).any())
    print(f"{name}: {len(text)} bytes of JSON, {hits} thresholds hit exactly")


def make_sequence():
    weights = {
        "lstm.weight_ih": uniform(11, (4 * HIDDEN, SEQUENCE_INPUTS)) * np.float32(0.1),
        "lstm.weight_hh": uniform(12, (4 * HIDDEN, HIDDEN)) * np.float32(0.1),
        "lstm.bias": uniform(13, 4 * HIDDEN) * np.float32(0.25),
        "lstm.head.weight": uniform(14, (1, HIDDEN + 3)) * np.float32(0.2),
        "lstm.head.bias": uniform(15, 1) * np.float32(0.1),
    }
    lstm = torch.nn.LSTM(SEQUENCE_INPUTS, HIDDEN, batch_first=True)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(torch.from_numpy(weights["lstm.weight_ih"]))
        lstm.weight_hh_l0.copy_(torch.from_numpy(weights["lstm.weight_hh"]))
        lstm.bias_ih_l0.copy_(torch.from_numpy(weights["lstm.bias"]))
        lstm.bias_hh_l0.zero_()
        series = torch.from_numpy(uniform(16, (ROWS + STEPS - 1, SEQUENCE_INPUTS)))
        windows = series.unfold(0, STEPS, 1).transpose(1, 2).contiguous()
        latents = lstm(windows)[1][0][0]
        extras = torch.from_numpy(uniform(17, (ROWS, 3)))
        head = torch.from_numpy(weights["lstm.head.weight"])
        margins = (torch.cat([latents, extras], 1) @ head.T)[:, 0] + float(weights["lstm.head.bias"][0])
    save_floats("lstm.margins.f32", margins.numpy())
    save_floats("lstm.latents.f32", latents.numpy()[:100])
    return weights


def make_perceptron():
    """Weights with the batch norm folded in; the outputs are those of the network with it."""
    sizes = [MLP_INPUTS, 64, 32, 16, 1]
    weights = {}
    x = torch.from_numpy(uniform(30, (ROWS, MLP_INPUTS)))
    with torch.no_grad():
        for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            linear = torch.nn.Linear(inputs, outputs)
            linear.weight.copy_(torch.from_numpy(uniform(20 + layer, (outputs, inputs)) * np.float32(0.6 / inputs**0.5)))
            linear.bias.copy_(torch.from_numpy(uniform(24 + layer, outputs) * np.float32(0.1)))
            x = linear(x)
            weight, bias = linear.weight.clone(), linear.bias.clone()
            if layer < 3:
                norm = torch.nn.BatchNorm1d(outputs).eval()
                norm.running_mean.copy_(torch.from_numpy(uniform(40 + layer, outputs) * np.float32(0.1)))
                norm.running_var.copy_(torch.from_numpy(uniform(44 + layer, outputs) * np.float32(0.1) + np.float32(1)))
                norm.weight.copy_(torch.from_numpy(uniform(48 + layer, outputs) * np.float32(0.1) + np.float32(1)))
                norm.bias.copy_(torch.from_numpy(uniform(52 + layer, outputs) * np.float32(0.1)))
                x = torch.relu(norm(x))
                factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
                weight, bias = weight * factor[:, None], (bias - norm.running_mean) * factor + norm.bias
            weights[f"mlp.{layer}.weight"] = weight.numpy()
            weights[f"mlp.{layer}.bias"] = bias.numpy()
    save_floats("mlp.margins.f32", x[:, 0].numpy())
    return weights


def main():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    make_trees("logistic", "binary:logistic", 5, 40, seed=1)
    make_trees("squared", "reg:squarederror", 3, 11, seed=5)
    save_file(make_sequence() | make_perceptron(), FIXTURES / "weights.safetensors")
    for path in sorted(FIXTURES.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


main()

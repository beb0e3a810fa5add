#!/usr/bin/env python3
"""Fits the same boosted trees and the same LSTM in Python and prints what they cost and reach, as one JSON object.

usage: fit_peer.py FOLDER [--only trees|sequence]

FOLDER holds header.json and raw little-endian float32 files, one entry (or row) a decision in time order:
  header.json   {"rows": R, "columns": D, "inputs": [column numbers of the LSTM], "steps_between": thinning of training
                 rows, "training": [first, end], "validation": [first, end],
                 "boosting": BoosterParameters, "sequence": NetworkParameters}
  values.f32    [R x D], raw, NaN for unknown: what the trees read
  scaled.f32    [R x len(inputs)], scaled, without NaN: what the LSTM reads
  labels.f32    [R]
  weights.f32, offsets.f32   [R], optional
"""

import argparse
import json
import pathlib
import time

import numpy as np


def read(folder):
    header = json.loads((folder / "header.json").read_text())
    data = {name: column(folder / f"{name}.f32") for name in ("values", "scaled", "labels", "weights", "offsets")}
    data["values"] = data["values"].reshape(header["rows"], header["columns"])
    data["scaled"] = data["scaled"].reshape(header["rows"], len(header["inputs"]))
    return header, data


def column(path):
    return np.fromfile(path, dtype="<f4") if path.exists() else None


def part(array, first_end):
    return None if array is None else array[slice(*first_end)]


def boosting_settings(options):
    """BoosterParameters in XGBoost's words."""
    logistic = options["objective"] == "logistic"
    return {
        "objective": "binary:logistic" if logistic else "reg:squarederror",
        "eval_metric": "logloss" if logistic else "rmse",
        "tree_method": "hist", "max_depth": options["depth"], "eta": options["learningRate"],
        "subsample": options["rowFraction"], "colsample_bytree": options["columnFraction"],
        "min_child_weight": options["minimumChildWeight"], "reg_lambda": options["lambda"],
        "reg_alpha": options["alpha"], "gamma": options["gamma"], "max_bin": options["bins"],
        "seed": options["seed"], "nthread": options["threads"],
    }


def fit_trees(header, data):
    import xgboost

    options = header["boosting"]

    def matrix(rows, reference=None):
        return xgboost.QuantileDMatrix(
            part(data["values"], rows), part(data["labels"], rows), weight=part(data["weights"], rows),
            base_margin=part(data["offsets"], rows), ref=reference, max_bin=options["bins"],
            nthread=options["threads"])

    start = time.perf_counter()
    training = matrix(header["training"])
    validation = matrix(header["validation"], training)
    scores = {}
    booster = xgboost.train(
        boosting_settings(options), training, options["rounds"], evals=[(validation, "validation")], evals_result=scores,
        early_stopping_rounds=options["patience"], verbose_eval=False)
    seconds = time.perf_counter() - start
    rounds = len(next(iter(scores["validation"].values())))
    return {"seconds": seconds, "rounds": rounds, "seconds_per_round": seconds / rounds, "loss": booster.best_score}


def fit_sequence(header, data):
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

    options = header["sequence"]
    torch.set_num_threads(options["threads"])
    torch.manual_seed(options["seed"])
    rows, steps = header["rows"], options["steps"]
    # Window w holds the rows w ... w + steps - 1 and belongs to the decision at its last row.
    windows = torch.from_numpy(data["scaled"]).unfold(0, steps, 1).transpose(1, 2)
    labels = torch.from_numpy(data["labels"])
    weights = torch.ones(rows) if data["weights"] is None else torch.from_numpy(data["weights"])
    offsets = torch.zeros(rows) if data["offsets"] is None else torch.from_numpy(data["offsets"])
    lstm = torch.nn.LSTM(windows.shape[2], 32, batch_first=True)
    head = torch.nn.Linear(32, 1)
    dropout = torch.nn.Dropout(options["dropout"])
    parameters = [*lstm.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=options["learningRate"], weight_decay=options["weightDecay"], fused=True)
    pointwise = binary_cross_entropy_with_logits if options["objective"] == "logistic" else mse_loss

    def losses(picked):
        _, (latent, _) = lstm(windows[picked - (steps - 1)])
        margin = head(dropout(latent[0])).squeeze(1) + offsets[picked]
        return (pointwise(margin, labels[picked], reduction="none") * weights[picked]).sum(), weights[picked].sum()

    def usable(bounds, stride):
        return torch.arange(max(bounds[0], steps - 1), bounds[1], stride)

    def validate(picked):
        lstm.eval(), dropout.eval()
        with torch.no_grad():
            sums = [losses(piece) for piece in picked.split(4096)]
        lstm.train(), dropout.train()
        return float(sum(s[0] for s in sums) / sum(s[1] for s in sums))

    def train(picked):
        for piece in picked[torch.randperm(len(picked))].split(options["batch"]):
            optimizer.zero_grad()
            total, weight = losses(piece)
            (total / weight).backward()
            torch.nn.utils.clip_grad_norm_(parameters, options["gradientNorm"])
            optimizer.step()

    training = usable(header["training"], header["steps_between"])
    validation = usable(header["validation"], 1)
    start = time.perf_counter()
    scores = []
    training_seconds = 0.0
    for _ in range(options["epochs"]):
        began = time.perf_counter()
        train(training)
        training_seconds += time.perf_counter() - began
        scores.append(validate(validation))
        if len(scores) - 1 - int(np.argmin(scores)) >= options["patience"]:
            break
    return {
        "seconds": time.perf_counter() - start, "epochs": len(scores), "loss": min(scores),
        "training_sequences_per_second": len(scores) * len(training) / training_seconds,
    }


def main():
    parser = argparse.ArgumentParser(description="The same fits in Python.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", choices=["trees", "sequence"])
    arguments = parser.parse_args()
    header, data = read(arguments.folder)
    fits = {"trees": fit_trees, "sequence": fit_sequence}
    chosen = [arguments.only] if arguments.only else list(fits)
    print(json.dumps({name: fits[name](header, data) for name in chosen}))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Does the fits of `candlecast train --refit` for direction-15m in Python and prints their cost as one JSON object.

usage: OMP_WAIT_POLICY=passive MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=536870912 \\
         train_peer.py DATASET CARD.json

DATASET is the file that a training left in `datasets` beside the store. CARD.json, of the version it gave, names the
columns that models read; its plan must be the one below. The variables are those of candlecast's trainer.

The same work: five expanding folds after the first half of the decisions, purged; in each trees (A), an LSTM (B)
on the earlier part, trees on the later part with its latents (C) and a perceptron (MLP), stopped by the last tenth
of what they learn from; margins of the fold's test; then the same fits on all decisions with the sizes on the card.
Less than `candlecast train` does, so the total is smaller than Python's for the whole job: no checksum of the dataset,
no baselines, calibration, ensemble, report or version files, and imports are not counted.

Output: seconds, seconds_by_part, import_seconds, decisions, sizes (the last fold's rounds and epochs), and log_loss of
the uncalibrated margins, the mean over the tests.
"""
import argparse
import contextlib
import json
import pathlib
import time

BEGAN = time.perf_counter()

import numpy as np
import torch
import xgboost
from torch.nn.functional import binary_cross_entropy_with_logits

from fit_peer import boosting_settings

IMPORT_SECONDS = time.perf_counter() - BEGAN
HORIZON, STEPS, WARM_UP, LATENTS = 15, 60, 300, 32
HISTORY = torch.arange(1 - STEPS, 1).unsqueeze(1)
INFERENCE_BATCH = 1024
MICROSECONDS = 60_000_000  # in a minute

# The usual plan of direction-15m, in the words of a card. Four epochs are fewer than the networks' patience.
TREES = {
    "objective": "logistic", "rounds": 400, "depth": 5, "learningRate": 0.02, "rowFraction": 0.5, "columnFraction": 0.3,
    "minimumChildWeight": 200, "lambda": 50, "alpha": 0, "gamma": 0, "bins": 64, "patience": 60,
}
NETWORK = {"objective": "logistic", "steps": STEPS, "epochs": 4, "batch": 256, "gradientNorm": 1, "dropout": 0.2}
PLAN = {
    "target": f"direction-{HORIZON}m", "seed": 1, "threads": 2, "folds": 5, "initialShare": 0.5,
    "embargoMinutes": HORIZON, "hybridShare": 0.5, "thinningMinutes": 5, "treeThinningMinutes": 4,
    "trees": TREES, "hybridTrees": TREES, "sequence": NETWORK | {"learningRate": 2e-3, "weightDecay": 1e-4},
    "perceptron": NETWORK | {"learningRate": 1e-3, "weightDecay": 0.01},
}


@contextlib.contextmanager
def timed(seconds, part):
    began = time.perf_counter()
    yield
    seconds[part] = seconds.get(part, 0) + time.perf_counter() - began


def read_dataset(path):
    """The columns by name, mapped into memory."""
    raw = np.memmap(path, mode="r", dtype=np.uint8)
    if raw[:8].tobytes() != b"CNDLDS01":
        raise SystemExit(f"{path} is not a dataset of candlecast")
    end = 72 + int(raw[64:72].view("<u8")[0])
    header = json.loads(raw[72:end].tobytes())
    rows, minutes = header["rows"], header["minutes"]
    columns = {}
    for name, kind, count in [
        ("open_time", "<i8", rows), ("available_at", "<i8", rows), ("open", "<f8", rows), ("close", "<f8", rows),
        ("since_restart", "<i4", rows), ("near_amendment", "|u1", rows), ("minute_open_time", "<i8", minutes),
        ("minute_open", "<f8", minutes), ("minute_close", "<f8", minutes),
        ("features", "<f4", rows * len(header["featureNames"])),
    ]:
        size = np.dtype(kind).itemsize
        start = end if size == 1 else -(-end // 64) * 64
        end = start + count * size
        columns[name] = raw[start:end].view(kind)
    columns["features"] = columns["features"].reshape(rows, -1)
    return columns


class Examples:
    """Inputs and labels by row (a candle); rows and minutes of the decisions. Windows are ranges of decisions."""

    def __init__(self, dataset, layout):
        self.inputs = dataset["features"][:, layout["model_columns"]]
        self.sequence = [layout["model_columns"].index(column) for column in layout["sequence_columns"]]
        minutes = dataset["open_time"] // MICROSECONDS + 1
        first, last = self.prices(dataset, minutes), self.prices(dataset, minutes + HORIZON)
        self.labels = (last >= first).astype(np.float32)
        rows = np.arange(len(minutes))
        unbroken = rows - np.maximum.accumulate(np.where(np.diff(minutes, prepend=0) == 1, 0, rows)) + 1
        self.decisions = np.flatnonzero(
            np.isfinite(first + last) & (dataset["near_amendment"] == 0) & (unbroken >= STEPS)
            & (dataset["since_restart"] >= WARM_UP))
        self.minutes = minutes[self.decisions]

    @staticmethod
    def prices(dataset, minutes):
        """Close of the candle that ends at each minute; NaN where there is none."""
        ends = dataset["minute_open_time"] // MICROSECONDS + 1
        found = np.minimum(np.searchsorted(ends, minutes), len(ends) - 1)
        return np.where(ends[found] == minutes, dataset["minute_close"][found], np.nan)

    def finished(self, decision):
        """How many decisions have labels that end before the embargo of one."""
        return int(np.searchsorted(self.minutes + HORIZON, self.minutes[decision] - PLAN["embargoMinutes"]))

    def folds(self):
        first = int(len(self.decisions) * PLAN["initialShare"])
        tested = len(self.decisions) - first
        bounds = [first + tested * part // PLAN["folds"] for part in range(PLAN["folds"] + 1)]
        return [((0, self.finished(start)), (start, end)) for start, end in zip(bounds, bounds[1:])]

    def cut(self, window, later_share):
        """The purged earlier and the later part."""
        start, end = window
        middle = start + int((end - start) * (1 - later_share))
        return (start, self.finished(middle)), (middle, end)

    def rows(self, window, step=1, phase=0):
        rows = self.decisions[slice(*window)]
        return rows[(rows + phase) % step == 0]

    def scaled(self, window):
        known = self.inputs[self.decisions[window[0]]:self.decisions[window[1] - 1] + 1]
        deviation = np.nanstd(known, axis=0, dtype=np.float64)
        scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0).astype(np.float32)
        values = (self.inputs - np.nanmean(known, axis=0, dtype=np.float64).astype(np.float32)) * scale
        return np.nan_to_num(np.clip(values, -8, 8, out=values), copy=False)


def fit_trees(examples, columns, training, validation, options, rounds):
    """The booster and its rounds: the best for the validation window, or what was given."""
    def matrix(window, reference=None):
        rows = examples.rows(window, PLAN["treeThinningMinutes"])
        return xgboost.QuantileDMatrix(
            columns(rows), examples.labels[rows], ref=reference, max_bin=options["bins"], nthread=PLAN["threads"])

    trained = matrix(training)
    judged = [(matrix(validation, trained), "validation")] if validation else []
    booster = xgboost.train(
        boosting_settings(options | {"seed": PLAN["seed"], "threads": PLAN["threads"]}), trained,
        rounds or options["rounds"], evals=judged, verbose_eval=False,
        early_stopping_rounds=options["patience"] if judged else None)
    return booster, rounds or booster.best_iteration + 1


def tree_margins(booster, rounds, values):
    return booster.inplace_predict(values, iteration_range=(0, rounds), predict_type="margin")


class Sequence(torch.nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.lstm = torch.nn.LSTM(inputs, LATENTS)
        self.head = torch.nn.Sequential(
            torch.nn.Dropout(NETWORK["dropout"]), torch.nn.Linear(LATENTS, 1), torch.nn.Flatten(0))

    def latents(self, steps):
        return self.lstm(steps)[1][0][0]

    def forward(self, steps):
        return self.head(self.latents(steps))


def perceptron(inputs):
    layers = []
    for before, after in [(inputs, 64), (64, 32), (32, 16)]:
        layers += [torch.nn.Linear(before, after), torch.nn.BatchNorm1d(after), torch.nn.ReLU(),
                   torch.nn.Dropout(NETWORK["dropout"])]
    return torch.nn.Sequential(*layers, torch.nn.Linear(16, 1), torch.nn.Flatten(0))


def batches(rows, size):
    return torch.tensor_split(torch.from_numpy(rows), -(-len(rows) // size))


@torch.inference_mode()
def answers(function, gather, rows):
    return torch.cat([function(gather(batch)) for batch in batches(rows, INFERENCE_BATCH)]).numpy()


def one_cycle(share):
    """The learning rate over its highest: up from a tenth in the first fifth, then down along half a cosine."""
    if share < 0.2:
        return 0.1 + 0.9 * share / 0.2
    return 0.01 + 0.99 * (1 + np.cos(np.pi * (share - 0.2) / 0.8)) / 2


def fit_network(network, gather, examples, training, validation, options, epochs):
    """The number of epochs whose weights were kept: the best for the validation window, or what was given."""
    step, random = PLAN["thinningMinutes"], np.random.default_rng(PLAN["seed"])
    labels = torch.from_numpy(examples.labels)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=options["weightDecay"], fused=True)
    epochs, scores, best = epochs or options["epochs"], [], None
    for epoch in range(epochs):
        pieces = batches(random.permutation(examples.rows(training, step, random.integers(step))), options["batch"])
        network.train()
        for number, rows in enumerate(pieces):
            share = (epoch + (number + 0.5) / len(pieces)) / epochs
            optimiser.param_groups[0]["lr"] = options["learningRate"] * one_cycle(share)
            binary_cross_entropy_with_logits(network(gather(rows)), labels[rows]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), options["gradientNorm"])
            optimiser.step()
            optimiser.zero_grad()
        network.eval()
        if validation:
            rows = examples.rows(validation, step)
            scores.append(log_loss(answers(network, gather, rows), examples.labels[rows]))
            if min(scores) == scores[-1]:
                best = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    if best:
        network.load_state_dict(best)
    return int(np.argmin(scores)) + 1 if scores else epochs


def log_loss(margins, labels):
    return float(np.mean(np.logaddexp(0, margins) - labels * margins))


def fit(examples, training, test, sizes, seconds):
    """Fits all models, with given sizes or to stop early; their sizes and their log-losses on the test."""
    given, sizes, margins, tested = sizes or {}, {}, {}, examples.rows(test)

    def parts(window):
        return (window, None) if given else examples.cut(window, 0.1)

    with timed(seconds, "scale"):
        scaled = examples.scaled(training)
        table, steps = torch.from_numpy(scaled), torch.from_numpy(scaled[:, examples.sequence])
    with timed(seconds, "trees_a"):
        booster, sizes["roundsA"] = fit_trees(
            examples, lambda rows: examples.inputs[rows], *parts(training), PLAN["trees"], given.get("roundsA"))
        margins["ModelA"] = tree_margins(booster, sizes["roundsA"], examples.inputs[tested])
    earlier, later = examples.cut(training, PLAN["hybridShare"])
    with timed(seconds, "lstm_b"):
        network, gather = Sequence(steps.shape[1]), lambda rows: steps[rows + HISTORY]
        sizes["epochsB"] = fit_network(
            network, gather, examples, *parts(earlier), PLAN["sequence"], given.get("epochsB"))
        latents = answers(network.latents, gather, tested)
        margins["ModelB"] = network.head(torch.from_numpy(latents)).detach().numpy()
    with timed(seconds, "trees_c"):
        booster, sizes["roundsC"] = fit_trees(
            examples, lambda rows: np.hstack([examples.inputs[rows], answers(network.latents, gather, rows)]),
            *parts(later), PLAN["hybridTrees"], given.get("roundsC"))
        margins["ModelC"] = tree_margins(booster, sizes["roundsC"], np.hstack([examples.inputs[tested], latents]))
    with timed(seconds, "mlp"):
        network, gather = perceptron(table.shape[1]), lambda rows: table[rows]
        sizes["epochsMLP"] = fit_network(
            network, gather, examples, *parts(training), PLAN["perceptron"], given.get("epochsMLP"))
        margins["MLP"] = answers(network, gather, tested)
    return sizes, {name: log_loss(values, examples.labels[tested]) for name, values in margins.items()}


def check(plan):
    for name, value in PLAN.items():
        same = value.items() <= plan[name].items() if isinstance(value, dict) else value == plan[name]
        if not same:
            raise SystemExit(f"{name} in the card's plan is {plan[name]} and here {value}: bring PLAN up to date")


def main():
    parser = argparse.ArgumentParser(description="The fits of candlecast train --refit, direction-15m, in Python.")
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("card", type=pathlib.Path)
    arguments = parser.parse_args()
    card = json.loads(arguments.card.read_text())
    check(card["recipe"]["plan"])
    torch.set_num_threads(1)  # as fast as it gets for networks of this size
    torch.manual_seed(PLAN["seed"])
    whole, seconds, losses = {}, {}, []
    with timed(whole, "seconds"):
        with timed(seconds, "load"):
            examples = Examples(read_dataset(arguments.dataset), card["layout"])
        for training, test in examples.folds():
            sizes, loss = fit(examples, training, test, None, seconds)
            losses.append(loss)
        fit(examples, (0, len(examples.decisions)), test, card["recipe"]["sizes"], seconds)
    print(json.dumps(whole | {
        "seconds_by_part": seconds, "import_seconds": IMPORT_SECONDS, "decisions": len(examples.decisions),
        "sizes": sizes, "log_loss": {name: float(np.mean([loss[name] for loss in losses])) for name in loss}}))


if __name__ == "__main__":
    main()

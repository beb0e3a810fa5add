#!/usr/bin/env python3
"""Times the stack a user would otherwise build (pandas, TA-Lib, XGBoost, PyTorch) on one candle file.

usage: bench.py CANDLES.csv[.zst] --out RESULTS.json
Every figure is printed and written as {name, unit, n, p50, p99} or {name, unit, n, value}.
"""
import argparse
import json
import resource
import time

import numpy as np
import pandas as pd
import talib
import torch
import xgboost

SEQUENCE = 60
LIVE_HISTORY = 600


def features(candles: pd.DataFrame) -> pd.DataFrame:
    """Twenty-five columns, as a bot computes them."""
    high, low, close = candles.high.values, candles.low.values, candles.close.values
    volume = candles.volume.values
    returns = np.log(candles.close).diff()
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    fast_k, fast_d = talib.STOCHF(high, low, close, 14, 3, 0)
    taker = candles.taker_buy_base
    return pd.DataFrame({
        "rsi": talib.RSI(close, 14), "macd": macd, "signal": signal, "histogram": histogram,
        "upper": upper, "middle": middle, "lower": lower, "k": fast_k, "d": fast_d,
        "atr": talib.ATR(high, low, close, 14), "adx": talib.ADX(high, low, close, 14),
        "cci": talib.CCI(high, low, close, 20), "mfi": talib.MFI(high, low, close, volume, 14),
        "willr": talib.WILLR(high, low, close, 14), "obv": talib.OBV(close, volume),
        "ema12": talib.EMA(close, 12), "ema26": talib.EMA(close, 26), "sma50": talib.SMA(close, 50),
        "r1": returns, "r5": returns.rolling(5).sum(), "r15": returns.rolling(15).sum(),
        "v15": returns.rolling(15).std(), "v60": returns.rolling(60).std(),
        "volume_ratio": candles.volume / candles.volume.rolling(20).mean(),
        "taker": taker.rolling(15).sum() / candles.volume.rolling(15).sum(),
    })


class Network(torch.nn.Module):
    def __init__(self, inputs: int):
        super().__init__()
        self.lstm = torch.nn.LSTM(inputs, 32, batch_first=True)
        self.head = torch.nn.Linear(32, 1)

    def forward(self, steps):
        output, _ = self.lstm(steps)
        latents = output[:, -1]
        return self.head(latents), latents


def timed(repetitions, body):
    body()
    samples = np.empty(repetitions)
    for index in range(repetitions):
        start = time.perf_counter_ns()
        body()
        samples[index] = time.perf_counter_ns() - start
    return samples


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candles")
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", type=int, default=1, help="threads for one prediction")
    arguments = parser.parse_args()
    results = []

    def report(name, unit, n, **figures):
        results.append({"name": name, "unit": unit, "n": n, **figures})
        print(name, unit, n, {k: round(v, 3) for k, v in figures.items()}, flush=True)

    def report_samples(name, samples):
        report(name, "µs", len(samples), p50=float(np.percentile(samples, 50) / 1e3),
               p99=float(np.percentile(samples, 99) / 1e3))

    start = time.perf_counter()
    candles = pd.read_csv(arguments.candles)
    report("peer.read_csv", "s", len(candles), value=time.perf_counter() - start)

    start = time.perf_counter()
    table = features(candles)
    report("peer.features_25_batch", "s", len(candles), value=time.perf_counter() - start)

    live = candles.iloc[-LIVE_HISTORY:].reset_index(drop=True)
    report_samples("peer.feature_step", timed(300, lambda: features(live)))

    matrix = table.values.astype(np.float32)
    up = np.roll(candles.close.values, -15) >= candles.close.values
    rows = np.arange(1000, len(candles) - 15)
    rows = rows[:: max(1, len(rows) // 100_000)]
    parameters = {"objective": "binary:logistic", "max_depth": 6, "tree_method": "hist", "nthread": 2}
    trees = xgboost.train(parameters, xgboost.QuantileDMatrix(matrix[rows], up[rows]), 300)
    trees.set_param({"nthread": arguments.threads})
    hybrid = xgboost.train(
        parameters, xgboost.QuantileDMatrix(np.hstack([matrix[rows], np.zeros((len(rows), 32), np.float32)]), up[rows]), 300)
    hybrid.set_param({"nthread": arguments.threads})
    row = matrix[-1:].copy()
    report_samples("peer.xgboost_row", timed(3000, lambda: trees.inplace_predict(row)))

    torch.set_num_threads(arguments.threads)
    network = Network(matrix.shape[1]).eval()
    steps = torch.from_numpy(np.nan_to_num(matrix[-SEQUENCE:])[None].copy())

    def sequence():
        with torch.inference_mode():
            return network(steps)

    report_samples("peer.lstm_sequence", timed(2000, sequence))

    def prediction():
        with torch.inference_mode():
            output, latents = network(steps)
        first = torch.sigmoid(output).item()
        second = trees.inplace_predict(row)[0]
        third = hybrid.inplace_predict(np.hstack([row, latents.numpy()]))[0]
        return (first + second + third) / 3

    report_samples("peer.hybrid_prediction", timed(2000, prediction))
    report("peer.resident", "MB", 1, value=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    with open(arguments.out, "w") as out:
        json.dump(results, out, indent=1)


if __name__ == "__main__":
    main()

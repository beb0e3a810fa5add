"""Writes what TA-Lib gives for a slice of real candles into Tests/FeaturesTests/Fixtures.

    python Scripts/golden/make_talib.py CANDLES.csv.zst [FIRST_ROW [ROWS]]

Needs TA-Lib 0.8.2 from PyPI (library 0.8.1), pandas, numpy and zstandard. Three files: the candles as they are in the
source, the names of the columns, and their values as little-endian doubles, row by row.
"""

import pathlib
import sys

import numpy as np
import pandas as pd
import talib

FIXTURES = pathlib.Path(__file__).parents[2] / "Tests" / "FeaturesTests" / "Fixtures"


def columns(candles):
    high, low, close, volume = (candles[name].to_numpy(float) for name in ("high", "low", "close", "volume"))
    macd, macd_signal, macd_hist = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2, 0)
    stoch_k, stoch_d = talib.STOCHF(high, low, close, 14, 3, 0)
    return {
        "rsi_14": talib.RSI(close, 14),
        "rsi_60": talib.RSI(close, 60),
        "macd": macd,
        "macd_signal": macd_signal,
        "macd_hist": macd_hist,
        "bb_upper_20": upper,
        "bb_middle_20": middle,
        "bb_lower_20": lower,
        "stoch_k_14": stoch_k,
        "stoch_d_3": stoch_d,
        "atr_14": talib.ATR(high, low, close, 14),
        "natr_14": talib.NATR(high, low, close, 14),
        "adx_14": talib.ADX(high, low, close, 14),
        "plus_di_14": talib.PLUS_DI(high, low, close, 14),
        "minus_di_14": talib.MINUS_DI(high, low, close, 14),
        "cci_20": talib.CCI(high, low, close, 20),
        "mfi_14": talib.MFI(high, low, close, volume, 14),
        "willr_14": talib.WILLR(high, low, close, 14),
        "obv": talib.OBV(close, volume),
        "ema_12": talib.EMA(close, 12),
        "ema_26": talib.EMA(close, 26),
        "ema_50": talib.EMA(close, 50),
        "sma_20": talib.SMA(close, 20),
        "sma_50": talib.SMA(close, 50),
        "sma_200": talib.SMA(close, 200),
        "roc_10": talib.ROC(close, 10),
        "volume_mean_20": talib.SMA(volume, 20),
    }


def main():
    if talib.__version__ != "0.8.2":
        sys.exit(f"TA-Lib is {talib.__version__}, the golden values are of 0.8.2: pip install TA-Lib==0.8.2")
    first, rows = (int(text) for text in (sys.argv[2:] + ["570000", "1200"][len(sys.argv) - 2 :]))
    candles = pd.read_csv(sys.argv[1], dtype=str)[first : first + rows]
    values = columns(candles)
    candles.to_csv(FIXTURES / "talib_candles.csv", index=False)
    (FIXTURES / "talib_columns.txt").write_text("\n".join(values) + "\n")
    np.column_stack(list(values.values())).astype("<f8").tofile(FIXTURES / "talib_values.f64")


main()

"""Writes Tests/EvaluationTests/Fixtures/*.json: metrics and fits by scikit-learn and SciPy.

Run from the repository root with a Python that has numpy, scipy and scikit-learn:
    python Scripts/golden/make_metrics.py
"""

import json
import pathlib

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

OUT = pathlib.Path("Tests/EvaluationTests/Fixtures")
rng = np.random.default_rng(20240101)


def calibration_error(labels, probabilities, weights, bins=15):
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    error = 0.0
    for b in np.unique(bin_of):
        rows = bin_of == b
        gap = np.average(probabilities[rows], weights=weights[rows]) - np.average(labels[rows], weights=weights[rows])
        error += abs(gap) * weights[rows].sum() / weights.sum()
    return error


def metrics():
    n = 400
    probabilities = np.round(rng.beta(2, 2, n), 2)  # rounded, so that ranks tie
    probabilities[:2] = [0.0, 1.0]
    labels = (rng.random(n) < probabilities).astype(float)
    labels[:2] = [1.0, 0.0]
    weights = rng.integers(1, 6, n) / 4
    result = {"probabilities": probabilities, "labels": labels, "weights": weights}
    for name, w in [("plain", np.ones(n)), ("weighted", weights)]:
        result[name] = {
            "log_loss": log_loss(labels, np.clip(probabilities, 1e-15, 1 - 1e-15), sample_weight=w),
            "brier": brier_score_loss(labels, probabilities, sample_weight=w),
            "auc": roc_auc_score(labels, probabilities, sample_weight=w),
            "accuracy": accuracy_score(labels, probabilities >= 0.5, sample_weight=w),
            "ece": calibration_error(labels, probabilities, w),
        }
    return result


def beta_fit(margins, labels, weights):
    softplus = lambda x: np.logaddexp(0, x)

    def loss(theta):
        m = -theta[0] * softplus(-margins) + theta[1] * softplus(margins) + theta[2]
        return np.average(softplus(m) - labels * m, weights=weights)

    fit = minimize(loss, [1, 1, 0], bounds=[(0, None), (0, None), (None, None)], method="L-BFGS-B",
                   options={"ftol": 1e-15, "gtol": 1e-11, "maxiter": 10000})
    return list(fit.x), fit.fun


def calibration_case(labels_of):
    n = 500
    margins = np.round(rng.normal(0, 1.2, n), 2)
    labels = (rng.random(n) < labels_of(margins)).astype(float)
    weights = rng.integers(1, 5, n) / 4
    platt = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10000).fit(margins[:, None], labels, weights)
    isotonic = IsotonicRegression(y_min=1 / (n + 2), y_max=(n + 1) / (n + 2), out_of_bounds="clip")
    isotonic.fit(margins, labels, weights)
    at = np.linspace(-4, 4, 81)
    beta, beta_loss = beta_fit(margins, labels, weights)
    return {
        "margins": margins, "labels": labels, "weights": weights,
        "platt": [platt.coef_[0, 0], platt.intercept_[0]], "beta": beta, "beta_loss": beta_loss,
        "isotonic_at": at, "isotonic": isotonic.predict(at),
    }


def logistic():
    n, columns = 300, 11
    rows = (rng.normal(0, 1, (n, columns)) * 10.0 ** np.arange(-2, 9, 1)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.03] = np.nan
    mean = np.nanmean(rows.astype(float), axis=0)
    scale = 1 / np.nanstd(rows.astype(float), axis=0)
    scaled = np.nan_to_num(np.clip((rows - mean) * scale, -8, 8))
    offset = rng.normal(0, 0.7, n)
    truth = rng.normal(0, 0.6, columns)
    labels = (rng.random(n) < expit(scaled @ truth + offset - 0.3)).astype(float)
    weights = rng.integers(1, 5, n) / 4
    plain = LogisticRegression(C=1.0, tol=1e-12, max_iter=10000).fit(scaled, labels, weights)

    def loss(theta):
        m = scaled @ theta[:-1] + theta[-1] + offset
        value = np.sum(weights * (np.logaddexp(0, m) - labels * m)) + 0.5 * np.sum(theta[:-1] ** 2)
        pull = weights * (expit(m) - labels)
        return value, np.append(scaled.T @ pull + theta[:-1], pull.sum())

    fit = minimize(loss, np.zeros(columns + 1), jac=True, method="L-BFGS-B",
                   options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10000})
    return {
        "columns": columns, "rows": [None if np.isnan(v) else float(v) for v in rows.ravel()],
        "labels": labels, "weights": weights, "offset": offset,
        "plain": list(plain.coef_[0]) + list(plain.intercept_), "with_offset": fit.x,
    }


def ensemble():
    cases = []
    for noises in [(0.5, 0.8, 1.5), (0.1, 2.0, 2.5), (0.3, 0.3, 0.3)]:
        n = 400
        truth = rng.normal(0, 1, n)
        labels = (rng.random(n) < expit(truth)).astype(float)
        logits = np.array([truth * 0.9 + rng.normal(0, s, n) for s in noises])

        def loss(w):
            m = w @ logits
            return np.mean(np.logaddexp(0, m) - labels * m)

        fit = minimize(loss, np.full(3, 1 / 3), bounds=[(0, 1)] * 3, method="SLSQP",
                       constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
                       options={"ftol": 1e-14, "maxiter": 1000})
        cases.append({"logits": logits, "labels": labels, "weights": fit.x, "loss": fit.fun})
    return cases


def plain(value):
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return float(value) if isinstance(value, np.floating) else value


OUT.mkdir(parents=True, exist_ok=True)
for name, content in {
    "metrics": metrics(),
    "calibration": [
        calibration_case(lambda m: expit(1.4 * m - 0.3)),
        calibration_case(lambda m: expit(np.where(m < 0, 0.4, 1.8) * m + 0.2)),
        calibration_case(lambda m: expit(np.where(m < 0, -0.6, 1.5) * m)),
    ],
    "logistic": logistic(),
    "ensemble": ensemble(),
}.items():
    (OUT / f"{name}.json").write_text(json.dumps(plain(content)) + "\n")

"""What a user would write instead: one vector to the same trees behind FastAPI. `serve_peer.py TREES.json PORT` serves
them, `serve_peer.py TREES.json make WIDTH` makes them."""

import sys

import numpy
import uvicorn
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel

if sys.argv[2] == "make":
    random = numpy.random.default_rng(1)
    rows = random.standard_normal((20000, int(sys.argv[3])), dtype=numpy.float32)
    labels = (rows[:, 0] * rows[:, 1] + random.standard_normal(20000) > 0).astype(numpy.float32)
    settings = {"objective": "binary:logistic", "max_depth": 6, "nthread": 1}
    xgboost.train(settings, xgboost.DMatrix(rows, labels), 300).save_model(sys.argv[1])
    sys.exit()

booster = xgboost.Booster(model_file=sys.argv[1])
booster.set_param({"nthread": 1})
width = booster.num_features()
app = FastAPI()


class Body(BaseModel):
    features: list[float | None]


@app.post("/predict")
async def predict(body: Body):
    row = numpy.array(body.features, dtype=numpy.float32)[:width].reshape(1, -1)
    return {"prediction": float(booster.inplace_predict(row)[0]), "model_name": "ModelA"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)

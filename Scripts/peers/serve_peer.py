"""What a user would write instead: one vector to the same trees behind FastAPI. `serve_peer.py TREES.json PORT`."""

import sys

import numpy
import uvicorn
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel

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

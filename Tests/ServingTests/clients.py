"""What clients that others have written see of a server: `clients.py NAME URL ARGUMENT`, JSON on standard output."""

import json
import subprocess
import sys


def triton(url, argument):
    """Through the Open Inference Protocol, as NVIDIA's client speaks it: JSON and binary inputs, one and many rows."""
    import numpy
    import tritonclient.http as client

    case = json.loads(argument)
    server = client.InferenceServerClient(url.removeprefix("http://"))
    rows = numpy.array(case["rows"], dtype=numpy.float32)
    windows = numpy.array(case["windows"], dtype=numpy.float64)
    seen = {
        "live": server.is_server_live(),
        "ready": server.is_server_ready(),
        "model_ready": server.is_model_ready("direction-15m"),
        "version_ready": server.is_model_ready("direction-15m", "20240101-1"),
        "stranger_ready": server.is_model_ready("direction-15m", "1"),
        "server": server.get_server_metadata()["name"],
        "inputs": server.get_model_metadata("window-15m")["inputs"],
        "answers": {},
    }
    for kind in (False, True):
        for model in ("direction-15m", "window-15m"):
            features = client.InferInput("features", list(rows.shape), "FP32")
            features.set_data_from_numpy(rows, binary_data=kind)
            inputs = [features]
            if model == "window-15m":
                window = client.InferInput("window", list(windows.shape), "FP64")
                window.set_data_from_numpy(windows, binary_data=kind)
                inputs.append(window)
            answer = server.infer(model, inputs, request_id="7")
            assert answer.get_response()["id"] == "7"
            names = answer.as_numpy("model_name").reshape(-1).tolist()
            seen["answers"][f"{model} {'binary' if kind else 'json'}"] = {
                "values": answer.as_numpy("probability_up").reshape(-1).tolist(),
                "names": [name.decode() if isinstance(name, bytes) else name for name in names],
            }
    try:
        server.infer("direction-15m", [client.InferInput("prices", [1, 1], "FP32").set_data_from_numpy(
            numpy.zeros((1, 1), dtype=numpy.float32))])
    except client.InferenceServerException as error:
        seen["refusal"] = str(error.status())
    return seen


CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method",
]


def schemathesis(url, argument):
    """Whether the handlers keep what /openapi.json promises, with `argument` examples an operation."""
    examples, seed = argument.split(",")
    run = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--checks", ",".join(CHECKS),
            "--max-examples", examples, "--seed", seed, "--phases", "examples,coverage,fuzzing", "--no-color",
            "--generation-database", "none", "--request-timeout", "20", "--suppress-health-check", "all",
            "--warnings", "off",
        ],
        capture_output=True, text=True)
    return {"status": run.returncode, "output": (run.stdout + run.stderr)[-12000:]}


if __name__ == "__main__":
    name, url, argument = sys.argv[1:]
    print(json.dumps({"triton": triton, "schemathesis": schemathesis}[name](url, argument)))

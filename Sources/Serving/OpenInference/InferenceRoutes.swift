internal import Market
internal import Operations
internal import Transport

extension Route {
  /// The Open Inference Protocol, version 2: each target is a model of it, whose one version is that which serves.
  ///
  /// - Parameter ready: throws as long as requests should go elsewhere.
  package static func openInference(
    _ models: ServedModels, version: String, ready: @escaping @Sendable () throws(APIFailure) -> Void
  ) -> [Route] {
    let server = [
      Route(
        "GET", "/v2", "What this server is, for clients of the Open Inference Protocol.",
        answer: .now { _ in
          .json(["name": "candlecast", "version": .text(version), "extensions": ["binary_tensor_data"]])
        }),
      Route("GET", "/v2/health/live", "The process runs.", answer: .now { _ in .json(["live": true]) }),
      Route(
        "GET", "/v2/health/ready", "As /health/ready.",
        answer: .now { _ throws(APIFailure) in
          try ready()
          return .json(["ready": true])
        }),
    ]
    return server + ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"].flatMap { of($0, models) }
  }

  private static func of(_ path: String, _ models: ServedModels) -> [Route] {
    [
      Route(
        "GET", path, "Inputs and outputs of a target.",
        answer: .now { request throws(APIFailure) in .json(try InferenceModel(request, models).metadata) }),
      Route(
        "GET", path + "/ready", "The target is answered for, by a version or by the baseline.",
        answer: .now { request throws(APIFailure) in
          let model = try InferenceModel(request, models)
          return .json(["name": .text(model.target.description), "ready": true])
        }),
      Route(
        "POST", path + "/infer", "Answers for up to \(InferenceRequest.mostRows) vectors at once.",
        schema: answerSchema, bodySchema: bodySchema,
        answer: .now { request throws(APIFailure) in
          let model = try InferenceModel(request, models)
          let length = try request.inferenceHeaderLength()
          return .json(try model.infer(try InferenceRequest(body: request.body, jsonBytes: length)))
        }),
    ]
  }

  private static let answerSchema: JSONValue = [
    "type": "object", "required": ["model_name", "model_version", "outputs"],
    "properties": [
      "model_name": ["type": "string"], "model_version": ["type": "string"], "id": ["type": "string"],
      "outputs": [
        "type": "array",
        "items": [
          "type": "object", "required": ["name", "datatype", "shape", "data"],
          "properties": [
            "name": ["type": "string"], "datatype": ["type": "string"],
            "shape": ["type": "array", "items": ["type": "integer"]], "data": ["type": "array"],
          ],
        ],
      ],
    ],
  ]

  private static let bodySchema: JSONValue = [
    "type": "object", "required": ["inputs"], "additionalProperties": false,
    "properties": [
      "id": ["type": "string"], "parameters": ["type": "object"],
      "outputs": [
        "type": "array", "maxItems": 16,
        "items": ["type": "object", "required": ["name"], "properties": ["name": ["type": "string"]]],
      ],
      "inputs": [
        "type": "array", "maxItems": 16,
        "items": [
          "type": "object", "required": ["name", "shape", "datatype"], "additionalProperties": false,
          "properties": [
            "name": ["type": "string", "enum": ["features", "window"]],
            "shape": ["type": "array", "items": ["type": "integer", "minimum": 0], "minItems": 2, "maxItems": 2],
            "datatype": ["type": "string", "enum": ["FP32", "FP64"]], "parameters": ["type": "object"],
            "data": ["type": "array"],
          ],
        ],
      ],
    ],
  ]
}

extension APIRequest {
  fileprivate func inferenceHeaderLength() throws(APIFailure) -> Int? {
    guard let text = header("Inference-Header-Content-Length") else { return nil }
    guard let length = Int(text) else {
      throw APIFailure(400, "bad_header", "Inference-Header-Content-Length is not a number of bytes")
    }
    return length
  }
}

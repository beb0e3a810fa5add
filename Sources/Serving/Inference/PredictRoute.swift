internal import Market
internal import Operations
internal import Transport

extension Route {
  package static func predict(_ models: ServedModels) -> Route {
    Route(
      "POST", "/predict",
      "What the models say of one feature vector; the baseline answers where no version is registered.",
      schema: VectorAnswer.schema, bodySchema: VectorQuestion.schema(models.schema),
      answer: .now { request throws(APIFailure) in
        .json(try models.answer(try VectorQuestion(body: request.body)).body)
      })
  }
}

extension VectorQuestion {
  fileprivate static func schema(_ features: FeatureSchema) -> JSONValue {
    let count = JSONValue(features.names.count)
    let most = JSONValue(Double(Float.greatestFiniteMagnitude))
    let least = JSONValue(-Double(Float.greatestFiniteMagnitude))
    return [
      "type": "object", "required": ["features"], "additionalProperties": false,
      "properties": [
        "features": [
          "type": "array", "minItems": count, "maxItems": count,
          "items": ["type": ["number", "null"], "minimum": least, "maximum": most],
          "description": "raw, in the order of the feature set that GET /v1/features names; null for what is missing",
        ],
        "names": ["const": .array(features.names.map { .text($0) })],
        "feature_set": ["const": .text(features.hash)], "schema_hash": ["const": .text(features.hash)],
        "target": ["type": "string", "enum": .array(PredictionTarget.all.map { .text($0.description) })],
        "model": ["type": "string", "enum": .array(ServedModels.preferred.map { .text($0.rawValue) })],
        "window": [
          "type": "object", "required": ["minutes_left", "move_basis_points"], "additionalProperties": false,
          "description": "where the window of a window target stood when the vector was made",
          "properties": [
            "minutes_left": ["type": "integer", "minimum": 1, "maximum": 60],
            "move_basis_points": ["type": "number", "minimum": -10000, "maximum": 10000],
          ],
        ],
      ],
    ]
  }
}

internal import Market
internal import Models
internal import Operations
internal import Pipeline

/// A target as the Open Inference Protocol sees it: a model with versions, of which one serves.
struct InferenceModel: Sendable {
  /// Where no version is registered.
  static let baselineVersion = "baseline"

  let target: PredictionTarget
  let version: String
  private let models: ServedModels

  init(_ request: APIRequest, _ models: ServedModels) throws(APIFailure) {
    let name = request.places["model"] ?? ""
    guard let target = PredictionTarget(name) else {
      let known = PredictionTarget.all.map(\.description).joined(separator: ", ")
      throw APIFailure(404, "unknown_model", "there is no model “\(name.shortened)”; there are \(known)")
    }
    version = models.version(of: target)?.bundle.card.name.description ?? Self.baselineVersion
    (self.target, self.models) = (target, models)
    if let wanted = request.places["version"], wanted != version {
      throw APIFailure(404, "unknown_version", "“\(wanted.shortened)” of \(target) is not served; \(version) is")
    }
  }

  var outputName: String { target.isBinary ? "probability_up" : "change_percent" }

  var metadata: JSONValue {
    var inputs: [JSONValue] = [
      ["name": "features", "datatype": "FP32", "shape": [-1, JSONValue(models.schema.names.count)]]
    ]
    if target.isWindow { inputs.append(["name": "window", "datatype": "FP64", "shape": [-1, 2]]) }
    return [
      "name": .text(target.description), "versions": [.text(version)], "platform": "candlecast",
      "inputs": .array(inputs),
      "outputs": [
        ["name": .text(outputName), "datatype": "FP64", "shape": [-1, 1]],
        ["name": "model_name", "datatype": "BYTES", "shape": [-1, 1]],
      ],
    ]
  }

  func infer(_ request: InferenceRequest) throws(APIFailure) -> JSONValue {
    let rows = try request.rows(of: target, width: models.schema.names.count, models.schema)
    var (values, names): ([JSONValue], [JSONValue]) = ([], [])
    for (place, row) in rows.enumerated() {
      let answer = try models.answer(row)
      guard let value = answer.value else {
        throw APIFailure(422, "no_answer", "row \(place + 1): \(answer.reason)")
      }
      values.append(.number(value))
      names.append(.text(answer.modelName.rawValue))
    }
    let shape: JSONValue = [JSONValue(rows.count), 1]
    let outputs: [(name: String, json: JSONValue)] = [
      (outputName, ["name": .text(outputName), "datatype": "FP64", "shape": shape, "data": .array(values)]),
      ("model_name", ["name": "model_name", "datatype": "BYTES", "shape": shape, "data": .array(names)]),
    ]
    let wanted = try request.outputs(of: outputs.map(\.name))
    var members: [JSONValue.Member] = [
      .init("model_name", .text(target.description)), .init("model_version", .text(version)),
    ]
    if let id = request.id { members.append(.init("id", .text(id))) }
    members.append(.init("outputs", .array(outputs.filter { wanted.contains($0.name) }.map(\.json))))
    return .object(members)
  }
}

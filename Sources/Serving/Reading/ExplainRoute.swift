internal import Market
package import Operations
internal import Transport

extension Route {
  /// - Parameters:
  ///   - mostAtOnce: requests that are answered or wait for it; more are told to come again.
  ///   - explain: what is known of how a prediction came about; `nil` if there is none of this name.
  package static func explain(
    mostAtOnce: Int = 10,
    _ explain: @escaping @Sendable (PredictionID) async throws(APIFailure) -> JSONValue?
  ) -> Route {
    let line = WaitingLine(places: mostAtOnce)
    return Route(
      "GET", "/v1/predictions/{id}/explain",
      "How one prediction came about, and whether computing it again from the store gives the same bits.",
      schema: [
        "type": "object", "required": ["id", "time", "models", "inputs", "stored"],
        "properties": [
          "id": ["type": "string"], "time": ["type": "string"], "models": ["type": "array"],
          "inputs": ["type": "array"], "stored": ["type": "object"],
        ],
      ],
      answer: .later { request throws(APIFailure) in
        let text = request.places["id"] ?? ""
        guard let id = PredictionID(text) else {
          throw APIFailure(
            404, "unknown_prediction", "“\(text.shortened)” is no id; /v1/predictions gives one with each row")
        }
        // What is stored is folded from its beginning, so one at a time.
        guard await line.enter() else {
          throw .busy("as many predictions as may be (\(mostAtOnce)) are being explained; come again")
        }
        defer { line.leave() }
        guard case .object(let members) = try await explain(id) else {
          throw APIFailure(404, "unknown_prediction", "no prediction \(id) is stored, or it cannot be made again")
        }
        return .json(.object([.init("id", .text(id.description))] + members))
      })
  }
}

package import Market

/// A part of a listing: so many rows of a stretch of time.
package struct PageRange: Sendable {
  static let parameters = [
    Parameter("from", .time, "first instant; without it, so many minutes as `limit` before the end"),
    Parameter("to", .time, "end, exclusive; without it, the newest"),
    Parameter("limit", .integer(1...1000, preset: 100), "most rows"),
  ]

  package let from: Timestamp?
  package let to: Timestamp
  let limit: Int

  init(_ request: APIRequest) throws(APIFailure) {
    from = request.time("from")
    to = request.time("to") ?? .distantFuture
    limit = request.integer("limit")
    if let from, from >= to { throw .badParameter("from", "\(from) is not before \(to)") }
  }

  /// - Parameter newest: instant of the newest row there is.
  func range(newest: Timestamp) -> Range<Timestamp> {
    let end = min(to, newest.adding(microseconds: 1))
    let start = from ?? end.adding(minutes: -limit)
    return start < end ? start..<end : end..<end
  }
}

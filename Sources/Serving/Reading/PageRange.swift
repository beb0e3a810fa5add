package import Market

/// A part of a listing: so many rows of a stretch of time.
package struct PageRange: Sendable {
  static let mostRows = 1000
  static let parameters =
    [
      Parameter("from", .time, "first instant; without it, so many minutes as `limit` before the end"),
      Parameter("to", .time, "end, exclusive; without it, the newest"),
    ] + [limit()]

  static func limit(preset: Int = 100) -> Parameter {
    Parameter("limit", .integer(1...mostRows, preset: preset), "most rows")
  }

  package let from: Timestamp?
  package let to: Timestamp
  let limit: Int

  init(_ request: APIRequest) throws(APIFailure) {
    from = request.time("from")
    to = request.time("to") ?? .distantFuture
    limit = request.integer("limit")
    if let from, from >= to { throw .badParameter("from", "\(from) is not before \(to)") }
  }

  /// All there is, where neither end is named.
  var unlimited: Range<Timestamp> { (from ?? .distantPast)..<to }

  /// - Parameter newest: instant of the newest row there is.
  func range(newest: Timestamp) -> Range<Timestamp> {
    let end = min(to, newest.adding(microseconds: 1))
    let start = from ?? end.adding(minutes: -limit)
    return start < end ? start..<end : end..<end
  }
}

package import Market
package import Storage

/// The store of a running process, read between its writes.
package protocol StoreReading: Sendable {
  func withStore<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value
}

extension StoreReading {
  /// What goes wrong in the store is not the asker's doing, and no path of this machine is told.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any Store) throws -> Value
  ) async throws(APIFailure) -> Value {
    do {
      return try await withStore(body)
    } catch let failure as APIFailure {
      throw failure
    } catch {
      throw .unavailable("the store cannot be read now; the log says why")
    }
  }
}

/// A part of a listing: so many rows of a stretch of time.
struct PageRange: Sendable {
  static let parameters = [
    Parameter("from", .time, "first instant; without it, so many minutes as `limit` before the end"),
    Parameter("to", .time, "end, exclusive; without it, the newest"),
    Parameter("limit", .integer(1...1000, preset: 100), "most rows"),
  ]

  let from: Timestamp?
  let to: Timestamp
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

/// Thrown to end a reading when there is enough.
struct Enough: Error {}

extension Route {
  /// Everything that is read from a store.
  package static func data(of view: MarketView, from store: some StoreReading) -> [Route] {
    [
      .candles(of: view.price, from: store), .predictions(of: view, from: store), .gaps(of: view.price, from: store),
      .quality(of: view.price, from: store), .outcomes(of: view, from: store), .skill(of: view, from: store),
    ]
  }
}

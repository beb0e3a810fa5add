import FoundationEssentials
import Operations
import Testing

import class Foundation.Bundle

/// What a client library saw: the line that `client.py` prints.
struct ClientReport: Decodable {
  let markets: [String]
  /// The venue's clock.
  let time: Int64
  /// Time, open, high, low, close, volume, and where the library gives them quote volume, trades and the takers' buys.
  let minutes: [[Double]]
  let earlier: [[Double]]
  let hours: [[Double]]
  let trades: [Trade]
  let aggregates: [Trade]?
  let book: Book
  let ticker: Ticker
  let stream: Stream

  struct Stream: Decodable {
    let trades: [Trade]
    let minutes: [[Double]]
    let books: [Book]
    let quotes: [Book]
    let tickers: [Ticker]
  }

  struct Trade: Hashable, Decodable {
    let id: Int64
    /// In milliseconds.
    let time: Int64
    let price: Double
    let quantity: Double
    let side: String

    init(id: Int64, time: Int64, price: Double, quantity: Double, side: String) {
      (self.id, self.time, self.price, self.quantity, self.side) = (id, time, price, quantity, side)
    }

    init(from decoder: any Decoder) throws {
      var row = try decoder.unkeyedContainer()
      id = try row.decode(Int64.self)
      time = try row.decode(Int64.self)
      price = try row.decode(Double.self)
      quantity = try row.decode(Double.self)
      side = try row.decode(String.self)
    }
  }

  struct Book: Hashable, Decodable {
    let id: Int64?
    let time: Int64?
    /// Price and quantity, best first.
    let bids: [[Double]]
    let asks: [[Double]]
  }

  struct Ticker: Hashable, Decodable {
    let time: Int64?
    let last: Double?
    let open: Double?
    let high: Double?
    let low: Double?
    let bid: Double?
    let ask: Double?
    let baseVolume: Double?
    let quoteVolume: Double?
  }

  private static let longest = Duration.seconds(50)

  /// Runs the library against a venue that stands still and one that runs.
  static func made(by client: String, still: String, running: String) async throws -> ClientReport {
    let python = folder + "/bin/python"
    try #require(
      FileManager.default.fileExists(atPath: python),
      "the client libraries are not in \(folder): run `make setup`, which puts them there")
    let script = try #require(Bundle.module.resourceURL).appending(path: "client.py").path
    var child = ChildProcess(executable: python, arguments: ["-I", script, client, still, running])
    child.environment = ["HOME": "/nonexistent", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"]
    let run = child
    let end = ContinuousClock.now + longest
    let (outcome, output, errors) = try await onOwnThread {
      var (output, errors) = ("", "")
      let outcome = try run.run(shouldStop: { ContinuousClock.now > end }) { stream, line in
        if stream == .output { output += line } else { errors += line + "\n" }
      }
      return (outcome, output, errors)
    }
    try #require(outcome.ending == .exited(0), "\(client) ended with \(outcome.ending) and said:\n\(errors)")
    return try JSONDecoder().decode(ClientReport.self, from: Data(output.utf8))
  }

  private static var folder: String {
    let set = ProcessInfo.processInfo.environment
    let cache =
      set["CANDLECAST_CACHE"] ?? set["XDG_CACHE_HOME"].map { $0 + "/candlecast" }
      ?? (set["HOME"] ?? "/root") + "/.cache/candlecast"
    return cache + "/clients"
  }
}

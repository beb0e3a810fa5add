import Compression
import FoundationEssentials
import Market
import Venues

import class Foundation.Bundle

/// Recorded and documented messages of one venue.
struct VenueSamples {
  let folder: String

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: Bundle.module.bundlePath + "/Fixtures/\(folder)/\(folder).\(name).json")))
  }

  func answer(_ name: String, status: Int = 200) throws -> VenueAnswer {
    VenueAnswer(status: status, body: try bytes(name))
  }

  /// Frames of a recording, each line `<time>: <frame>`.
  func recording(_ name: String) throws -> [[UInt8]] {
    let source = try InputFile(path: Bundle.module.bundlePath + "/Fixtures/\(folder)/\(name)").unpacked()
    var text = [UInt8](repeating: 0, count: 4 << 20)
    var count = 0
    while case let read = try source.read(into: &text, from: count), read > 0 { count += read }
    return text[..<count].split(separator: UInt8(ascii: "\n")).compactMap { line in
      line.firstIndex(of: UInt8(ascii: " ")).map { Array(line[($0 + 1)...]) }
    }
  }
}

/// What any decoder promises of its values, whatever bytes it was given.
extension VenueMessage {
  var isSane: Bool {
    switch self {
    case .kline(_, let kline): kline.candle.violation == nil && kline.time.isSane
    case .trade(_, let trade):
      trade.id >= 0 && trade.price > .zero && trade.quantity > .zero && trade.count > 0 && trade.time.isSane
    case .quote(_, let quote):
      quote.bidPrice > .zero && quote.askPrice > .zero && quote.bidQuantity >= .zero && quote.askQuantity >= .zero
        && quote.updateId ?? 0 >= 0 && quote.time.map(\.isSane) ?? true
    case .book(_, let book):
      book.firstId ?? 0 >= 0 && book.firstId == book.lastId && book.time.map(\.isSane) ?? true
        && (book.bids + book.asks).allSatisfy { $0.price > .zero && $0.quantity >= .zero }
    case .heartbeat(_, let time, let id): time.map(\.isSane) ?? true && id ?? 0 >= 0
    case .control: true
    case .oracle, .dropped, .shutdown: false
    }
  }
}

extension Timestamp {
  var isSane: Bool { (946_684_800_000_000..<4_102_444_800_000_000).contains(microseconds) }
}

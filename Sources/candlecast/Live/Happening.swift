import Ingestion
import Market
import Operations
import Serving
import Storage

/// Something that happened to a running feed, as its clients are told of it.
struct Happening {
  enum Kind: String { case quality, model, state }

  let kind: Kind
  let level: LogLevel
  let time: Timestamp
  let symbol: Symbol
  let message: String
  /// Who joins is told the newest of each kind and subject.
  let subject: String
  private var facts: [JSONValue.Member] = []

  private init(
    _ kind: Kind, _ level: LogLevel, _ time: Timestamp, _ symbol: Symbol, _ subject: String, _ message: String
  ) {
    (self.kind, self.level, self.time, self.symbol) = (kind, level, time, symbol)
    (self.subject, self.message) = (subject, message)
  }

  /// Something is wrong with the data, or no longer is.
  init(_ event: QualityEvent) {
    let missing = event.candlesMissing.map { ", candles missing: \($0)" } ?? ""
    self.init(
      .quality, event.resolvedAt == nil ? .warning : .info, event.resolvedAt ?? event.createdAt, event.series.symbol,
      event.type, "\(event.type) \(event.resolvedAt == nil ? "opened" : "closed")\(missing)")
    facts = [
      .init("series", .text(event.series.description)), .init("type", .text(event.type)),
      .init("since", .text(event.createdAt.description)), .init("until", JSONValue(event.resolvedAt?.description)),
      .init("candles_missing", JSONValue(event.candlesMissing)),
    ]
  }

  /// Another version answers from now on.
  init(_ served: LiveStart.ServedTarget, of symbol: Symbol, at time: Timestamp) {
    self.init(.model, .info, time, symbol, served.target.description, served.sentence)
  }

  /// Another version cannot be served.
  init(_ refusal: ModelWatch.Refusal, of symbol: Symbol, at time: Timestamp) {
    self.init(.model, .error, time, symbol, refusal.target.description, refusal.sentence)
  }

  init(_ change: ServedStates.Change, of symbol: Symbol, at time: Timestamp) {
    let isWhole = ["fresh", "unpromoted", "untrained"].contains(change.new)
    self.init(.state, isWhole ? .info : .warning, time, symbol, "", change.sentence)
  }

  var json: JSONValue {
    .object(
      [
        .init("kind", .text(kind.rawValue)), .init("level", .text(level.name)), .init("time", .text(time.description)),
        .init("symbol", .text(symbol.name)), .init("message", .text(message)),
      ] + facts)
  }
}

extension Hub {
  func publish(_ happening: Happening) {
    publish(
      .events, of: happening.symbol, key: "\(happening.kind.rawValue) \(happening.subject)", happening.json)
  }
}

package import Market
internal import Redis

/// What happened of a market from one moment of the tick cadence to the next, in the order in which one process had it:
/// everything that points are made of, minutes included.
package struct TickBatch: Hashable, Sendable {
  package enum Entry: Hashable, Sendable {
    /// Its time is to the millisecond.
    case tick(TickEvent, at: Timestamp)
    case candle(Series, CandleRecord)
    /// Of the oracle whose prices the view follows.
    case observed(OracleTick, at: Timestamp)
  }

  package var series: Series
  package var cadence: TickCadence
  /// When the process began that tells this; one that begins anew knows nothing of what was before it.
  package var run: Timestamp
  /// Of the batches of its run, from 0 on without a hole.
  package var number: Int64
  package var range: Range<Timestamp>
  /// What stands at the start of the range, for who has not seen what came before it.
  package var known: [Entry]
  package var entries: [Entry]
  /// How it came: `stream`, or `replay` for what is played back.
  package var source: String

  package init(
    series: Series, cadence: TickCadence, run: Timestamp, number: Int64, range: Range<Timestamp>, known: [Entry],
    entries: [Entry], source: String
  ) {
    (self.series, self.cadence, self.run, self.number) = (series, cadence, run, number)
    (self.range, self.known, self.entries, self.source) = (range, known, entries, source)
  }
}

extension TickBatch: StreamEventBody {
  static let messageType = "ticks"

  var id: String { "ticks/\(series)/\(run.microseconds)/\(number)" }
  var key: String { series.symbol.name }

  func write(to text: inout JSONText) {
    text.add("symbol", series.symbol.name)
    text.add("timestamp", range.upperBound.microseconds)
    text.add("venue", series.venue.name)
    text.add("from", range.lowerBound.microseconds)
    text.add("run", run.microseconds)
    text.add("number", number)
    text.add("interval_ms", cadence.intervalMilliseconds)
    text.add("max_age_ms", cadence.maxInputAgeMilliseconds)
    text.add("known", elements: known.map { $0.json(source) })
    text.add("records", elements: entries.map { $0.json(source) })
    text.add("ingest_ts", range.upperBound.milliseconds)
    text.add("source", source)
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    series = try members.series()
    cadence = try TickCadence(members)
    run = try members.microseconds("run")
    number = try members.required("number", try members.integer("number"))
    guard (0..<Int64.max).contains(number) else { throw members.wrong("number") }
    let (from, until) = (try members.microseconds("from"), try members.microseconds("timestamp"))
    guard from <= until else { throw members.wrong("from") }
    range = from..<until
    known = try Self.entries("known", members)
    entries = try Self.entries("records", members)
    source = try members.required("source", try members.text("source"))
  }

  private static func entries(_ name: StaticString, _ members: JSONMembers) throws(JSONMembersError) -> [Entry] {
    var entries: [Entry] = []
    for object in try members.required(name, try members.objects(name)) { entries.append(try Entry(object)) }
    return entries
  }
}

extension TickBatch.Entry {
  /// Trades, quotes and candles as they are written alone.
  fileprivate func json(_ source: String) -> String {
    let body: any StreamEventBody =
      switch self {
      case .tick(.trade(let series, let trade), let time):
        TradeEvent(series: series, trade: trade, ingestTime: time, source: source)
      case .tick(.quote(let series, let quote), let time):
        QuoteEvent(series: series, quote: quote, ingestTime: time, source: source)
      case .candle(let series, let record):
        CandleEvent(series: series, record: record, ingestTime: record.knownAt, source: source)
      case .tick(.tradesBegin(let series, let start), let time):
        TradesNotice(series: series, start: start, ingestTime: time)
      case .tick(.interrupted(let series), let time): TradesNotice(series: series, start: nil, ingestTime: time)
      case .tick(.snapshot(let series, let snapshot), let time):
        SnapshotEvent(series: series, snapshot: snapshot, ingestTime: time)
      case .observed(let tick, let time): OracleEvent(tick: tick, ingestTime: time)
      }
    return String(decoding: body.json, as: UTF8.self)
  }

  fileprivate init(_ members: JSONMembers) throws(JSONMembersError) {
    switch try members.text("message_type") {
    case TradeEvent.messageType?:
      let event = try TradeEvent(members)
      self = .tick(.trade(event.series, event.trade), at: event.ingestTime)
    case QuoteEvent.messageType?:
      let event = try QuoteEvent(members)
      self = .tick(.quote(event.series, event.quote), at: event.ingestTime)
    case CandleEvent.messageType?:
      let event = try CandleEvent(members)
      self = .candle(event.series, event.record)
    case TradesNotice.messageType?:
      let notice = try TradesNotice(members)
      self = .tick(
        notice.start.map { .tradesBegin(notice.series, at: $0) } ?? .interrupted(notice.series), at: notice.ingestTime)
    case SnapshotEvent.messageType?:
      let event = try SnapshotEvent(members)
      self = .tick(.snapshot(event.series, event.snapshot), at: event.ingestTime)
    case OracleEvent.messageType?:
      let event = try OracleEvent(members)
      self = .observed(event.tick, at: event.ingestTime)
    default: throw members.wrong("message_type")
    }
  }
}

extension TickCadence {
  private static let longest: ClosedRange<Int64> = 1...86_400_000

  init(_ members: JSONMembers) throws(JSONMembersError) {
    func milliseconds(_ name: StaticString) throws(JSONMembersError) -> Int64 {
      let value = try members.required(name, try members.integer(name))
      guard Self.longest.contains(value) else { throw members.wrong(name) }
      return value
    }
    self.init(
      intervalMilliseconds: try milliseconds("interval_ms"), maxInputAgeMilliseconds: try milliseconds("max_age_ms"))
  }
}

extension TickBatch {
  /// The moment of the cadence that it leads up to; `nil` for one that only begins or that ends before the next.
  package var moment: Timestamp? {
    let interval = cadence.intervalMilliseconds
    let place = range.upperBound.milliseconds.flooredQuotient(interval)
    guard place > range.lowerBound.milliseconds.flooredQuotient(interval) else { return nil }
    return Timestamp(milliseconds: place * interval)
  }
}

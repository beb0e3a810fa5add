internal import Market
internal import Redis

/// What travels between the roles: one object of JSON whose `message_type` says what it is.
///
/// Times called `timestamp`, `available_at` and `known_at` are microseconds since 1970, `ingest_ts` is milliseconds.
package enum StreamEvent: Hashable, Sendable {
  case trade(TradeEvent)
  case quote(QuoteEvent)
  case candle(CandleEvent)
  case features(FeatureEvent)
  case ticks(TickBatch)
  case point(PointEvent)

  private var body: any StreamEventBody {
    switch self {
    case .trade(let event): event
    case .quote(let event): event
    case .candle(let event): event
    case .features(let event): event
    case .ticks(let batch): batch
    case .point(let event): event
    }
  }

  /// Same event, same record: publishing it again tells nobody anything new.
  package var record: StreamRecord {
    let body = body
    return StreamRecord(id: body.id, key: body.key, body: body.json)
  }

  /// Members that it does not know are passed over.
  package init(json: [UInt8]) throws(StreamEventError) {
    do throws(JSONMembersError) {
      let members = try JSONMembers(json, limit: StreamRecord.mostBytes)
      switch try members.text("message_type") {
      case TradeEvent.messageType?: self = .trade(try TradeEvent(members))
      case QuoteEvent.messageType?: self = .quote(try QuoteEvent(members))
      case CandleEvent.messageType?: self = .candle(try CandleEvent(members))
      case FeatureEvent.messageType?: self = .features(try FeatureEvent(members))
      case TickBatch.messageType?: self = .ticks(try TickBatch(members))
      case PointEvent.messageType?: self = .point(try PointEvent(members))
      default: throw members.wrong("message_type")
      }
    } catch {
      throw StreamEventError(reason: error.description)
    }
  }
}

/// An event's text is not what it says it is.
package struct StreamEventError: Error, Hashable, Sendable, CustomStringConvertible {
  package let reason: String

  package var description: String { "not an event of this program: \(reason)" }
}

/// A kind of event.
protocol StreamEventBody: Hashable, Sendable {
  static var messageType: String { get }
  /// Its identity among all events.
  var id: String { get }
  var key: String { get }
  /// Everything but the type.
  func write(to text: inout JSONText)
  init(_ members: JSONMembers) throws(JSONMembersError)
}

extension StreamEventBody {
  var json: [UInt8] {
    var text = JSONText()
    text.add("message_type", Self.messageType)
    write(to: &text)
    return text.bytes
  }
}

extension JSONMembers {
  func microseconds(_ name: StaticString) throws(JSONMembersError) -> Timestamp {
    let value = try required(name, try integer(name))
    // The years 1 to 9999, so that arithmetic with it does not overflow.
    guard (-62_135_596_800_000_000...253_402_300_799_999_999).contains(value) else { throw wrong(name) }
    return Timestamp(microseconds: value)
  }

  /// Not below zero.
  func amount(_ name: StaticString) throws(JSONMembersError) -> Decimal8 {
    let value = try required(name, try decimal(name))
    guard value.units >= 0 else { throw wrong(name) }
    return value
  }

  /// Records that name no venue are Binance's.
  func series() throws(JSONMembersError) -> Series {
    guard let name = try text("venue") else { return Series(.binance, try symbol("symbol")) }
    return Series(try required("venue", Venue(name)), try symbol("symbol"))
  }
}

extension Decimal8 {
  /// Exact, without zeros at the end, with a point always: `45230.5`, `3.0`.
  var numberText: String {
    var text = description
    while text.hasSuffix("0"), !text.hasSuffix(".0") { text.removeLast() }
    return text
  }
}

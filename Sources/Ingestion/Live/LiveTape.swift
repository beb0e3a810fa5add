import FoundationEssentials
package import Market
package import Tape
import Venues

/// How the inputs of a live feed stand on a tape.
package enum LiveTape {
  /// The recorder's mark of a socket that dropped messages.
  package static let overflowed = TapeKind(rawValue: 10)
  private static let clock = "clock"
  /// Stands where a closed socket's code would.
  private static let noCode = "-"

  package static func record(_ stamped: StampedInput) -> TapeRecord {
    let (source, kind, payload) = parts(of: stamped.input)
    return TapeRecord(
      arrivalNanoseconds: stamped.time.microseconds * 1000, source: source, kind: kind, payload: payload)
  }

  private static func parts(of input: LiveInput) -> (source: String, kind: TapeKind, payload: [UInt8]) {
    switch input {
    case .opened(let id): (name(id), .opened, [])
    case .frame(let id, let bytes, let isBinary): (name(id), isBinary ? .binary : .text, bytes)
    case .overflowed(let id, let messages): (name(id), overflowed, Array(String(messages).utf8))
    case .closed(let id, let code, let reason):
      (name(id), .closed, Array("\(code.map(String.init) ?? noCode) \(reason)".utf8))
    case .answer(let id, let result): ("\(id.feed)/rest", .answer, TapeAnswer(id, result).payload)
    case .tick: (clock, .tick, [])
    }
  }

  /// - Returns: `nil` for records that are no input, such as a start.
  package static func input(of record: TapeRecord) throws(LiveTapeError) -> StampedInput? {
    let time = Timestamp(microseconds: record.arrivalNanoseconds.flooredQuotient(1000))
    guard let input = try liveInput(of: record) else { return nil }
    return StampedInput(input, at: time)
  }

  private static func liveInput(of record: TapeRecord) throws(LiveTapeError) -> LiveInput? {
    switch record.kind {
    case .opened: return .opened(try socket(record))
    case .text: return .frame(try socket(record), record.payload, isBinary: false)
    case .binary: return .frame(try socket(record), record.payload, isBinary: true)
    case .closed: return try closed(record)
    case .tick: return .tick
    case .answer: return try answer(record)
    case overflowed:
      guard let messages = Int(String(decoding: record.payload, as: UTF8.self)) else {
        throw .unreadable(source: record.source, reason: "a count of dropped messages is no number")
      }
      return .overflowed(try socket(record), messages: messages)
    default: return nil
    }
  }

  /// Older tapes have the reason alone.
  private static func closed(_ record: TapeRecord) throws(LiveTapeError) -> LiveInput {
    let text = String(decoding: record.payload, as: UTF8.self)
    let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    let code = UInt16(parts[0])
    guard parts.count == 2, code != nil || parts[0] == noCode else {
      return .closed(try socket(record), reason: text)
    }
    return .closed(try socket(record), code: code, reason: String(parts[1]))
  }

  private static func answer(_ record: TapeRecord) throws(LiveTapeError) -> LiveInput {
    guard record.source.hasSuffix("/rest"), let feed = Int(record.source.dropLast(5)) else {
      throw .unreadable(source: record.source, reason: "the name of a request's source is expected")
    }
    let stored: TapeAnswer
    do { stored = try TapeAnswer(payload: record.payload) } catch {
      throw .unreadable(source: record.source, reason: "\(error)")
    }
    let id = RequestID(feed: feed, number: stored.request)
    switch stored.outcome {
    case .failure(let reason): return .answer(id, .failed(reason: reason))
    case .answer(let status, let headers, let body):
      let headers = headers.map { VenueHeader($0.name, $0.value) }
      return .answer(id, .answered(VenueAnswer(status: status, headers: headers, body: body)))
    }
  }

  private static func name(_ id: SocketID) -> String { "\(id.feed)/socket/\(id.number)" }

  private static func socket(_ record: TapeRecord) throws(LiveTapeError) -> SocketID {
    let parts = record.source.split(separator: "/")
    guard parts.count == 3, parts[1] == "socket", let feed = Int(parts[0]), let number = Int(parts[2]) else {
      throw .unreadable(source: record.source, reason: "the name of a socket is expected")
    }
    return SocketID(feed: feed, number: number)
  }
}

extension LiveTape {
  package static func record(_ start: LiveStart) throws -> TapeRecord {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return TapeRecord(
      arrivalNanoseconds: start.time.microseconds * 1000, source: clock, kind: .start,
      payload: Array(try encoder.encode(start)))
  }

  /// - Returns: `nil` for any other record.
  package static func start(of record: TapeRecord) throws -> LiveStart? {
    guard record.kind == .start else { return nil }
    do { return try JSONDecoder().decode(LiveStart.self, from: Data(record.payload)) } catch {
      throw LiveTapeError.unreadable(source: record.source, reason: "a start that cannot be read: \(error)")
    }
  }
}

/// What a live service began with; the first record of each run.
package struct LiveStart: Codable, Hashable, Sendable {
  package var time: Timestamp
  package var plan: LivePlan
  package var memories: [FeedMemoryEntry]
  package var view: MarketView
  /// What answered for each target.
  package var versions: [ServedTarget]
  /// What the pipeline was brought up with: everything stored before this instant; `nil` for an empty store.
  package var history: History?
  /// Of what is predicted between candles; `nil` if nothing is.
  package var cadence: TickCadence?
  /// Versions beside those that answer; `nil` if there are none.
  package var arms: [Arm]?

  package init(
    time: Timestamp, plan: LivePlan, memories: [FeedMemoryEntry], view: MarketView, versions: [ServedTarget],
    history: History?, cadence: TickCadence? = nil, arms: [Arm]? = nil
  ) {
    (self.time, self.plan, self.memories, self.view) = (time, plan, memories, view)
    (self.versions, self.history, self.cadence, self.arms) = (versions, history, cadence, arms)
  }

  package struct Arm: Codable, Hashable, Sendable {
    package var target: PredictionTarget
    package var version: String
    /// Of the decisions, those it serves; `nil` answers all and serves none. Shares lie side by side in this order.
    package var share: Double?
    /// Why it is not in production.
    package var reason: String

    package init(target: PredictionTarget, version: String, share: Double?, reason: String) {
      (self.target, self.version, self.share, self.reason) = (target, version, share, reason)
    }
  }

  package struct ServedTarget: Codable, Hashable, Sendable {
    package var target: PredictionTarget
    /// `nil` is the baseline.
    package var version: String?
    /// Why it serves although it is not in production.
    package var unpromotedReason: String?

    package init(target: PredictionTarget, version: String?, unpromotedReason: String? = nil) {
      (self.target, self.version, self.unpromotedReason) = (target, version, unpromotedReason)
    }
  }

  package struct History: Codable, Hashable, Sendable {
    package var candles: Int
    /// Of the candles in the order they were folded.
    package var fingerprint: String

    package init(candles: Int, fingerprint: String) { (self.candles, self.fingerprint) = (candles, fingerprint) }
  }
}

package struct FeedMemoryEntry: Codable, Hashable, Sendable {
  package var venue: Venue
  package var memory: FeedMemory

  package init(venue: Venue, memory: FeedMemory) { (self.venue, self.memory) = (venue, memory) }
}

package enum LiveTapeError: Error, Hashable, Sendable {
  case unreadable(source: String, reason: String)
}

extension LiveTapeError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreadable(let source, let reason): "the recording cannot be played back: \(reason) (source \(source))"
    }
  }
}

extension TapeAnswer {
  fileprivate init(_ id: RequestID, _ result: RequestResult) {
    switch result {
    case .failed(let reason): self.init(request: id.number, outcome: .failure(reason))
    case .answered(let answer):
      let headers = answer.headers.map { Header($0.name, $0.value) }
      self.init(request: id.number, outcome: .answer(status: answer.status, headers: headers, body: answer.body))
    }
  }
}

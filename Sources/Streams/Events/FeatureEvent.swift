internal import Features
package import Market
package import Pipeline
internal import Redis

/// What a feature stage gave, on its way to a decision stage.
package struct FeatureEvent: Hashable, Sendable {
  package var view: MarketView
  package var featureSetHash: String
  package var update: FeatureUpdate
  /// When the newest of what it was made of was stored: everything stored earlier is in it.
  package var knownAt: Timestamp
  /// Of the event that it follows from, and which of the updates that do.
  package var cause: String
  /// Of the candle of that event.
  package var causeOpenTime: Timestamp
  package var ordinal: Int
  /// How that event came: `stream`, `replay` and the like.
  package var source: String

  package init(
    view: MarketView, featureSetHash: String, update: FeatureUpdate, knownAt: Timestamp, cause: String,
    causeOpenTime: Timestamp, ordinal: Int, source: String
  ) {
    (self.view, self.featureSetHash, self.update) = (view, featureSetHash, update)
    (self.knownAt, self.cause, self.causeOpenTime) = (knownAt, cause, causeOpenTime)
    (self.ordinal, self.source) = (ordinal, source)
  }
}

extension FeatureEvent: StreamEventBody {
  static let messageType = "features"
  private static let mostPoints = 1024
  private static let mostValues = 16_384
  private static let numbersOfACandle = 9

  var id: String { "features/\(ordinal)/\(cause)" }
  var key: String { view.price.symbol.name }

  func write(to text: inout JSONText) {
    text.add("symbol", view.price.symbol.name)
    text.add("timestamp", time.microseconds)
    text.add("view", view.description)
    text.add("feature_set", featureSetHash)
    switch update {
    case .next(let point, let availableAt, let isWarm):
      text.add("update", "next")
      text.add("available_at", availableAt.microseconds)
      text.add("warm", isWarm)
      Self.write([point], to: &text)
    case .amended(let points, let candles):
      text.add("update", "amended")
      text.add("refolded", Int64(candles))
      Self.write(points, to: &text)
    case .needsRebuild: text.add("update", "rebuild")
    }
    text.add("known_at", knownAt.microseconds)
    text.add("cause", cause)
    text.add("cause_timestamp", causeOpenTime.microseconds)
    text.add("ordinal", Int64(ordinal))
    text.add("ingest_ts", knownAt.milliseconds)
    text.add("source", source)
  }

  /// The close of the newest minute, or where the rebuild begins.
  private var time: Timestamp {
    switch update {
    case .next(let point, _, _): point.candle.openTime.adding(minutes: 1)
    case .amended(let points, _): points.last?.candle.openTime.adding(minutes: 1) ?? knownAt
    case .needsRebuild(let from): from
    }
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    view = try members.required("view", try members.text("view").flatMap { MarketView($0) })
    guard try members.symbol("symbol") == view.price.symbol else { throw members.wrong("symbol") }
    featureSetHash = try members.required("feature_set", try members.text("feature_set"))
    switch try members.text("update") {
    case "next"?:
      let points = try Self.points(members)
      guard points.count == 1 else { throw members.wrong("minutes") }
      update = .next(
        points[0], availableAt: try members.microseconds("available_at"),
        isWarm: try members.required("warm", try members.boolean("warm")))
    case "amended"?:
      let candles = try members.required("refolded", try members.integer("refolded"))
      guard (0...10_000_000).contains(candles) else { throw members.wrong("refolded") }
      update = .amended(try Self.points(members), candles: Int(candles))
    case "rebuild"?: update = .needsRebuild(from: try members.microseconds("timestamp"))
    default: throw members.wrong("update")
    }
    knownAt = try members.microseconds("known_at")
    cause = try members.required("cause", try members.text("cause"))
    causeOpenTime = try members.microseconds("cause_timestamp")
    let ordinal = try members.required("ordinal", try members.integer("ordinal"))
    guard (0...1_000_000).contains(ordinal) else { throw members.wrong("ordinal") }
    self.ordinal = Int(ordinal)
    source = try members.required("source", try members.text("source"))
  }

  // MARK: Points

  private static func write(_ points: [FeatureVector], to text: inout JSONText) {
    text.add("minutes", elements: points.map { String($0.candle.openTime.minute) })
    text.add("candles", elements: points.flatMap { numbers(of: $0.candle).map { spelled($0) } })
    text.add("values", elements: points.flatMap { $0.vector.map { spelled($0) } })
  }

  private static func points(_ members: JSONMembers) throws(JSONMembersError) -> [FeatureVector] {
    let minutes = try members.required("minutes", try members.array("minutes"))
    let candles = try numbers("candles", members) { Double($0) }
    let values = try numbers("values", members) { Float($0) }
    guard minutes.count <= mostPoints else { throw members.wrong("minutes") }
    guard candles.count == minutes.count * numbersOfACandle else { throw members.wrong("candles") }
    guard !minutes.isEmpty else {
      guard values.isEmpty else { throw members.wrong("values") }
      return []
    }
    let width = values.count / minutes.count
    guard width > 0, values.count == width * minutes.count else { throw members.wrong("values") }
    var points: [FeatureVector] = []
    for (index, element) in minutes.enumerated() {
      // Up to the year 9999.
      guard case .number(let text) = element, let minute = Int64(text), (0...4_223_000_000).contains(minute) else {
        throw members.wrong("minutes")
      }
      let numbers = candles[index * numbersOfACandle..<(index + 1) * numbersOfACandle]
      points.append(
        FeatureVector(
          candle: candle(Timestamp(minute: minute), Array(numbers)),
          vector: Array(values[index * width..<(index + 1) * width])))
    }
    return points
  }

  private static func numbers(of candle: FeatureInput) -> [Double] {
    [
      candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quoteVolume, candle.trades,
      candle.takerBuyBase, candle.takerBuyQuote,
    ]
  }

  private static func candle(_ openTime: Timestamp, _ numbers: [Double]) -> FeatureInput {
    FeatureInput(
      openTime: openTime, open: numbers[0], high: numbers[1], low: numbers[2], close: numbers[3], volume: numbers[4],
      quoteVolume: numbers[5], trades: numbers[6], takerBuyBase: numbers[7], takerBuyQuote: numbers[8])
  }

  // MARK: Numbers

  /// The shortest text that reads as the same bits; JSON has no number for infinities.
  private static func spelled(_ value: some BinaryFloatingPoint & CustomStringConvertible) -> String {
    if value.isFinite { return value.description }
    return value.isNaN ? "null" : value > 0 ? "\"Infinity\"" : "\"-Infinity\""
  }

  private static func numbers<Number: BinaryFloatingPoint>(
    _ name: StaticString, _ members: JSONMembers, _ read: (String) -> Number?
  ) throws(JSONMembersError) -> [Number] {
    let elements = try members.required(name, try members.array(name))
    guard elements.count <= mostValues else { throw members.wrong(name) }
    var numbers: [Number] = []
    numbers.reserveCapacity(elements.count)
    for element in elements {
      switch element {
      case nil: numbers.append(.nan)
      case .text("Infinity"): numbers.append(.infinity)
      case .text("-Infinity"): numbers.append(-.infinity)
      case .number(let text):
        guard let number = read(text), number.isFinite else { throw members.wrong(name) }
        numbers.append(number)
      default: throw members.wrong(name)
      }
    }
    return numbers
  }
}

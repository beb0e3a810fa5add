package import Market
internal import Redis

/// A feature vector on its way, with what it must be read with.
package struct FeatureEvent: Hashable, Sendable {
  package var view: MarketView
  /// The decision time: the close of the last candle seen.
  package var time: Timestamp
  /// When the newest input became available to a live reader.
  package var availableAt: Timestamp
  package var featureSetHash: String
  /// Raw, in the order of the feature set; not a number where a feature has no value yet.
  package var values: [Float]
  /// To the millisecond.
  package var ingestTime: Timestamp

  package init(
    view: MarketView, time: Timestamp, availableAt: Timestamp, featureSetHash: String, values: [Float],
    ingestTime: Timestamp
  ) {
    (self.view, self.time, self.availableAt) = (view, time, availableAt)
    (self.featureSetHash, self.values, self.ingestTime) = (featureSetHash, values, ingestTime)
  }

  /// The same bits, every not-a-number being one.
  package static func == (a: FeatureEvent, b: FeatureEvent) -> Bool {
    func bits(_ values: [Float]) -> [UInt32?] { values.map { $0.isNaN ? nil : $0.bitPattern } }
    return a.view == b.view && a.time == b.time && a.availableAt == b.availableAt
      && a.featureSetHash == b.featureSetHash && bits(a.values) == bits(b.values) && a.ingestTime == b.ingestTime
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(view)
    hasher.combine(time)
    hasher.combine(availableAt)
  }
}

extension FeatureEvent: StreamEventBody {
  static let messageType = "features"
  private static let mostValues = 4096

  var id: String { "features/\(view)/\(featureSetHash)/\(time.microseconds)/\(availableAt.microseconds)" }
  var key: String { view.price.symbol.name }

  func write(to text: inout JSONText) {
    text.add("symbol", view.price.symbol.name)
    text.add("timestamp", time.microseconds)
    text.add("view", view.description)
    text.add("available_at", availableAt.microseconds)
    text.add("feature_set", featureSetHash)
    text.add("values", elements: values.map(Self.text))
    text.add("ingest_ts", ingestTime.milliseconds)
    text.add("source", "pipeline")
  }

  /// The shortest text that reads as the same bits; JSON has no number for infinities.
  private static func text(_ value: Float) -> String {
    if value.isFinite { return "\(value)" }
    return value.isNaN ? "null" : value > 0 ? "\"Infinity\"" : "\"-Infinity\""
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    view = try members.required("view", try members.text("view").flatMap { MarketView($0) })
    guard try members.symbol("symbol") == view.price.symbol else { throw members.wrong("symbol") }
    time = try members.microseconds("timestamp")
    availableAt = try members.microseconds("available_at")
    featureSetHash = try members.required("feature_set", try members.text("feature_set"))
    let elements = try members.required("values", try members.array("values"))
    guard elements.count <= Self.mostValues else { throw members.wrong("values") }
    values = []
    for element in elements {
      guard let value = Self.value(element) else { throw members.wrong("values") }
      values.append(value)
    }
    ingestTime = try members.milliseconds("ingest_ts")
  }

  private static func value(_ element: JSONMembers.Value?) -> Float? {
    switch element {
    case nil: .nan
    case .number(let text): Float(text).flatMap { $0.isFinite ? $0 : nil }
    case .text("Infinity"): .infinity
    case .text("-Infinity"): -.infinity
    default: nil
    }
  }
}

internal import Market

/// What Polymarket's relays say of one instant, in texts that are read once it is known what they mean.
///
/// The texts are valid as long as the bytes that they were read from.
struct RelayObservation {
  var time: Timestamp?
  /// A JSON number, rounded for charts.
  var value: UnsafeBufferPointer<UInt8>?
  /// All digits, in a form that depends on the topic.
  var accurate: UnsafeBufferPointer<UInt8>?

  /// How `full_accuracy_value` is written.
  enum Accuracy {
    /// An integer times 10¹⁸.
    case scaled
    /// Plain decimal text.
    case decimal
  }

  func price(_ accuracy: Accuracy) throws(VenueError) -> (time: Timestamp, price: OraclePrice) {
    guard let time else { throw .malformed(offset: 0, reason: "an observation without a timestamp") }
    let rounded = value.flatMap { OraclePrice($0) }
    guard let price = try exact(accuracy, near: rounded) ?? rounded else {
      throw .badValue(field: "value", value: value?.shown ?? "", reason: "not a decimal of at most eighteen places")
    }
    guard price.units > 0 else {
      throw .badValue(field: "value", value: price.description, reason: "not above zero")
    }
    return (time, price)
  }

  /// `nil` if only the rounded value was sent. The two must agree, or one was read in the wrong form.
  private func exact(_ accuracy: Accuracy, near rounded: OraclePrice?) throws(VenueError) -> OraclePrice? {
    guard let accurate else { return nil }
    let price: OraclePrice? =
      switch accuracy {
      case .scaled: Int128(String(decoding: accurate, as: UTF8.self)).map { OraclePrice(units: $0) }
      case .decimal: OraclePrice(accurate)
      }
    guard let price else {
      throw .badValue(field: "full_accuracy_value", value: accurate.shown, reason: "not a number of this topic's form")
    }
    guard let rounded else { return price }
    let difference = price.units.subtractingReportingOverflow(rounded.units)
    guard !difference.overflow, difference.partialValue.magnitude <= rounded.units.magnitude / 1_000_000 else {
      throw .badValue(field: "full_accuracy_value", value: accurate.shown, reason: "value is \(rounded)")
    }
    return price
  }
}

/// The `payload` of a relay's message.
struct RelayPayload {
  var symbol: String?
  var windowSeconds: Int64?
  var source: String?
  /// One of an update, any number of a snapshot.
  var observations: [RelayObservation] = []

  init(_ scanner: inout JSONScanner) throws(VenueError) {
    var single = RelayObservation()
    var list: [RelayObservation]?
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "symbol": symbol = try scanner.string()
      case "window_s", "window_seconds": windowSeconds = try scanner.integer()
      case "source": source = try scanner.string()
      case "data": list = try Self.list(&scanner)
      default: try single.read(&scanner, key)
      }
    }
    observations = list ?? [single]
  }

  private static func list(_ scanner: inout JSONScanner) throws(VenueError) -> [RelayObservation] {
    var list: [RelayObservation] = []
    try scanner.array { scanner, _ throws(VenueError) in
      var observation = RelayObservation()
      try scanner.object { scanner, key throws(VenueError) in try observation.read(&scanner, key) }
      list.append(observation)
    }
    return list
  }
}

extension RelayObservation {
  fileprivate mutating func read(_ scanner: inout JSONScanner, _ key: JSONKey) throws(VenueError) {
    switch key {
    case "timestamp": time = try scanner.milliseconds("timestamp")
    case "value": value = try scanner.numberText()
    case "full_accuracy_value": accurate = try scanner.rawString()
    default: try scanner.skip()
    }
  }
}

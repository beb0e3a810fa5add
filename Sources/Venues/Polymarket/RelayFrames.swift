package import Market

/// The relays' side, for simulators.
extension RelayProtocol {
  /// A message with one observation, as the relay sends it; `nil` for a mean that it has no topic for.
  package static func update(_ tick: OracleTick, sentAt now: Timestamp, connection: String) -> String? {
    guard let topic = Topic.allCases.first(where: { $0.quantity == tick.quantity }) else { return nil }
    let symbol = tick.feed.name.lowercased()
    let (time, value, units) = (tick.time.milliseconds, tick.price.number, tick.price.units)
    if case .timeWeightedMean(let seconds) = tick.quantity {
      return "{\"connection_id\":\"\(connection)\",\"topic\":\"\(topic.rawValue)\",\"type\":\"update\","
        + "\"timestamp\":\(now.milliseconds),\"payload\":{\"symbol\":\"\(symbol)\",\"timestamp\":\(time),"
        + "\"value\":\(value),\"full_accuracy_value\":\"\(units)\",\"window_s\":\(seconds)}}"
    }
    return "{\"connection_id\":\"\(connection)\",\"payload\":{\"full_accuracy_value\":\"\(units)\","
      + "\"symbol\":\"\(symbol)\",\"timestamp\":\(time),\"value\":\(value)},\"timestamp\":\(now.milliseconds),"
      + "\"topic\":\"\(topic.rawValue)\",\"type\":\"update\"}"
  }

  /// The prices of the last minutes, which come first after a subscription.
  package static func snapshot(_ prices: [OracleTick], of feed: Symbol, sentAt now: Timestamp) -> String {
    let list = prices.map { "{\"timestamp\":\($0.time.milliseconds),\"value\":\($0.price.number)}" }
    return "{\"topic\":\"crypto_prices\",\"type\":\"subscribe\",\"timestamp\":\(now.milliseconds),"
      + "\"payload\":{\"symbol\":\"\(feed.name.lowercased())\",\"data\":[\(list.joined(separator: ","))]}}"
  }
}

extension PolyBoltProtocol {
  /// A message with one mean.
  ///
  /// - Parameter dropped: messages left out before it because the reader was slow.
  package func update(_ mean: OracleTick, sequence: Int64, sentAt now: Timestamp, dropped: Int64 = 0) -> String {
    message(
      sequence, now, dropped > 0 ? "\"dropped\":\(dropped)," : "",
      "\"symbol\":\"\(symbolName)\",\"value\":\(mean.price.number),\"full_accuracy_value\":\"\(mean.price)\","
        + "\"timestamp\":\(mean.time.milliseconds),\"window_seconds\":\(windowSeconds),\"source\":\"chainlink\"")
  }

  /// The means of the last two minutes, which come first after a subscription and may be none.
  package func snapshot(_ means: [OracleTick], sequence: Int64, sentAt now: Timestamp) -> String {
    let list = means.map {
      "{\"full_accuracy_value\":\"\($0.price)\",\"timestamp\":\($0.time.milliseconds),\"value\":\($0.price.number)}"
    }
    return message(sequence, now, "\"snapshot\":true,", "\"data\":[\(list.joined(separator: ","))]")
  }

  private func message(_ sequence: Int64, _ now: Timestamp, _ marks: String, _ payload: String) -> String {
    "{\"v\":1,\"channel\":\"\(Self.channel)\",\"seq\":\(sequence),\"ts\":\(now.milliseconds),\(marks)"
      + "\"payload\":{\(payload)}}"
  }
}

extension OraclePrice {
  /// The nearest JSON number with no more digits than a `Double` needs.
  package var number: String {
    guard let value = Double(description) else { return description }
    let text = value.description
    if text.hasSuffix(".0") { return String(text.dropLast(2)) }
    return text.contains("e") ? description : text
  }
}

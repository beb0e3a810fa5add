internal import Features
package import Market
package import Pipeline
internal import Redis

/// The inputs of one moment of the tick cadence, on their way to what predicts; numbers under the names of the seed.
package struct PointEvent: Hashable, Sendable {
  package var view: MarketView
  package var cadence: TickCadence
  /// Of what the point was made of.
  package var run: Timestamp
  package var point: TickPoint
  /// Of the windows that it lies in.
  package var windows: [WindowFact]
  /// How that came: `stream`, or `replay` for what is played back.
  package var source: String

  package init(
    view: MarketView, cadence: TickCadence, run: Timestamp, point: TickPoint, windows: [WindowFact] = [], source: String
  ) {
    (self.view, self.cadence, self.run) = (view, cadence, run)
    (self.point, self.windows, self.source) = (point, windows, source)
  }
}

extension PointEvent: StreamEventBody {
  static let messageType = "point"

  var id: String { "point/\(view)/\(run.microseconds)/\(point.inputs.time.microseconds)" }
  var key: String { view.price.symbol.name }

  func write(to text: inout JSONText) {
    text.add("symbol", view.price.symbol.name)
    text.add("timestamp", point.inputs.time.microseconds)
    text.add("view", view.description)
    text.add("input_set", TickInputs.hash.description)
    text.add("run", run.microseconds)
    text.add("interval_ms", cadence.intervalMilliseconds)
    text.add("max_age_ms", cadence.maxInputAgeMilliseconds)
    let values = FeaturePoint(point, of: view.price.symbol)
    for (name, path) in FeaturePoint.namedValues { text.add(name, values[keyPath: path]) }
    text.add("mean_close_60m", point.inputs.reference)
    text.add("age_ms", point.ageMilliseconds)
    text.add("origin", point.source.rawValue)
    text.add("windows", elements: windows.map(\.json))
    text.add("ingest_ts", point.inputs.time.milliseconds)
    text.add("source", source)
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    view = try members.required("view", try members.text("view").flatMap { MarketView($0) })
    guard try members.symbol("symbol") == view.price.symbol else { throw members.wrong("symbol") }
    guard try members.text("input_set") == TickInputs.hash.description else { throw members.wrong("input_set") }
    run = try members.microseconds("run")
    cadence = try TickCadence(members)
    let time = try members.microseconds("timestamp")
    var values = FeaturePoint(symbol: view.price.symbol, timestamp: time)
    for (name, path) in FeaturePoint.namedValues { values[keyPath: path] = try members.number(name) }
    let age = try members.integer("age_ms")
    guard age ?? 0 >= 0 else { throw members.wrong("age_ms") }
    point = TickPoint(
      inputs: TickInputs(time: time, values: values.tickValues, reference: try members.number("mean_close_60m")),
      ageMilliseconds: age,
      source: try members.required(
        "origin", try members.text("origin").flatMap { PriceForecast.Source(rawValue: $0) }))
    windows = []
    for object in try members.objects("windows") ?? [] { windows.append(try WindowFact(object)) }
    source = try members.required("source", try members.text("source"))
  }
}

extension FeaturePoint {
  /// As the point is told to whoever reads Redis.
  package init(_ point: TickPoint, of symbol: Symbol) {
    self.init(symbol: symbol, timestamp: point.inputs.time)
    for (path, value) in zip(Self.tickPaths, point.inputs.values) {
      self[keyPath: path] = value.flatMap { $0.isFinite ? $0 : nil }
    }
    source = point.source == .fallback ? point.source.rawValue : nil
  }

  /// In the order of the inputs of the tick cadence.
  package var tickValues: [Double?] { Self.tickPaths.map { self[keyPath: $0] } }

  private static var tickPaths: [any WritableKeyPath<FeaturePoint, Double?> & Sendable] {
    [
      \.price, \.priceChange1m, \.priceChange5m, \.vwap, \.volume, \.volumeAverage1m, \.tradeIntensity, \.bidAskSpread,
      \.orderBookImbalance, \.rsi5m, \.macdSignal, \.bollingerPosition,
    ]
  }
}

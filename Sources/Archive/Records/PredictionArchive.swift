import Market

/// Predictions as an archive holds them: all that the log has.
enum PredictionArchive {
  static let schema: AvroSchema = {
    let micros = #"{"type":"long","logicalType":"timestamp-micros"}"#
    func field(_ name: String, _ type: String = #""string""#) -> String { #"{"name":"\#(name)","type":\#(type)}"# }
    func optional(_ name: String, _ type: String) -> String {
      #"{"name":"\#(name)","type":["null",\#(type)],"default":null}"#
    }
    let fields = [
      field("venue"), field("symbol"), field("time", micros), field("available_at", micros), field("view"),
      field("target"), optional("direction", #""string""#), optional("probability_up", #""double""#),
      optional("change_percent", #""double""#), optional("confidence", #""double""#), field("model"),
      field("version"), field("feature_set_hash"), field("input_hash"), field("state"), field("reason"),
      field("mode"), field("latency_ns", #""long""#),
      optional("current_price", #""double""#), optional("predicted_price", #""double""#),
      optional("predicted_low", #""double""#), optional("predicted_high", #""double""#),
      optional("features_age_ms", #""long""#), optional("source", #""string""#),
      optional("arm", #""string""#),
    ]
    return AvroSchema(
      own: #"{"type":"record","name":"Prediction","namespace":"candlecast","#
        + #""fields":[\#(fields.joined(separator: ","))]}"#)
  }()

  private static let names = schema.fieldNames

  static func value(_ prediction: Prediction) -> AvroValue {
    let series = prediction.view.price
    return .record([
      .text(series.venue.name), .text(series.symbol.name), AvroValue(prediction.time),
      AvroValue(prediction.availableAt), .text(prediction.view.description), .text(prediction.target.description),
      prediction.direction.map { .text($0.rawValue) } ?? .null, AvroValue(prediction.probabilityUp),
      AvroValue(prediction.changePercent), AvroValue(prediction.confidence), .text(prediction.modelName.rawValue),
      .text(prediction.version), .text(prediction.featureSetHash), .text(String(prediction.inputHash, radix: 16)),
      .text(prediction.state), .text(prediction.reason), .text(prediction.mode.rawValue),
      .integer(prediction.latencyNanoseconds),
      AvroValue(prediction.forecast?.current), AvroValue(prediction.forecast?.predicted),
      AvroValue(prediction.forecast?.low), AvroValue(prediction.forecast?.high),
      prediction.forecast?.inputAgeMilliseconds.map { .integer($0) } ?? .null,
      prediction.forecast.map { .text($0.source.rawValue) } ?? .null,
      .text(prediction.arm.rawValue),
    ])
  }

  /// The direction is not read: it follows from the numbers.
  static func prediction(_ value: AvroValue) throws(BadRecord) -> Prediction {
    let row = try ArchiveRow(value, names)
    guard let view = MarketView(try row.text(4)) else { throw row.bad(4) }
    guard let target = PredictionTarget(try row.text(5)) else { throw row.bad(5) }
    guard let model = ModelName(rawValue: try row.text(10)) else { throw row.bad(10) }
    guard let inputHash = UInt64(try row.text(13), radix: 16) else { throw row.bad(13) }
    guard let mode = Prediction.Mode(rawValue: try row.text(16)) else { throw row.bad(16) }
    guard let arm = Prediction.Arm(stored: row.isNull(24) ? nil : try row.text(24)) else { throw row.bad(24) }
    let probability = try row.optionalNumber(7)
    guard probability.map({ (0...1).contains($0) }) ?? true else { throw row.bad(7) }
    return Prediction(
      time: try row.time(2), availableAt: try row.time(3), view: view, target: target, probabilityUp: probability,
      changePercent: try row.optionalNumber(8), confidence: try row.optionalNumber(9), modelName: model,
      version: try row.text(11), featureSetHash: try row.text(12), inputHash: inputHash,
      state: try row.text(14, longest: 1000), reason: try row.text(15, longest: 4000), mode: mode,
      latencyNanoseconds: try row.integer(17), forecast: try forecast(row), arm: arm)
  }

  private static func forecast(_ row: ArchiveRow) throws(BadRecord) -> PriceForecast? {
    guard !row.isNull(23) else { return nil }
    guard let source = PriceForecast.Source(rawValue: try row.text(23)) else { throw row.bad(23) }
    return PriceForecast(
      current: try row.optionalNumber(18), predicted: try row.optionalNumber(19), low: try row.optionalNumber(20),
      high: try row.optionalNumber(21), inputAgeMilliseconds: try row.optionalInteger(22), source: source)
  }
}

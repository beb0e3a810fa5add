import Market
import Storage

/// Trades and quotes as collectors archive them, prices and amounts as exact decimals, and the venue.
///
/// `collection_time` is when a row was stored, `api_latency_ms` how long after its own time that was.
enum MarketDataArchive {
  static let schema: AvroSchema = {
    let decimal = #"{"type":"bytes","logicalType":"decimal","precision":20,"scale":8}"#
    let millis = #"{"type":"long","logicalType":"timestamp-millis"}"#
    func optional(_ name: String, _ type: String) -> String {
      #"{"name":"\#(name)","type":["null",\#(type)],"default":null}"#
    }
    let metadata =
      #"{"type":"record","name":"Metadata","fields":[\#(optional("collection_time", millis)),"#
      + #"\#(optional("api_latency_ms", #""long""#))]}"#
    let fields = [
      #"{"name":"symbol","type":"string"}"#, #"{"name":"timestamp","type":\#(millis)}"#,
      #"{"name":"price","type":\#(decimal)}"#, optional("volume", decimal), optional("bid_price", decimal),
      optional("ask_price", decimal), #"{"name":"source","type":"string"}"#,
      #"{"name":"data_type","type":"string"}"#,
      #"{"name":"metadata","type":["null",\#(metadata)],"default":null}"#,
      #"{"name":"venue","type":"string","default":""}"#,
    ]
    return AvroSchema(
      own: #"{"type":"record","name":"MarketData","namespace":"candlecast","#
        + #""fields":[\#(fields.joined(separator: ","))]}"#)
  }()

  private static let names = schema.fieldNames
  private static let metadataNames = ["collection_time", "api_latency_ms"]

  static func value(_ record: MarketDataRecord) -> AvroValue {
    let row = record.row
    let collected = record.knownAt.milliseconds
    let latency = collected - row.time.milliseconds
    return .record([
      .text(row.series.symbol.name), .integer(row.time.milliseconds), AvroValue(row.price), AvroValue(row.volume),
      AvroValue(row.bidPrice), AvroValue(row.askPrice), .text(row.source), .text(row.dataType),
      .record([.integer(collected), latency >= 0 ? .integer(latency) : .null]), .text(row.series.venue.name),
    ])
  }

  /// - Parameter knownAt: of a row that does not say when it was collected.
  static func record(
    _ value: AvroValue, else series: Series, knownAt: Timestamp
  ) throws(BadRecord) -> MarketDataRecord {
    let fields = try ArchiveRow(value, names)
    let row = MarketDataRow(
      series: try fields.series(venue: 9, symbol: 0, else: series), time: try fields.milliseconds(1),
      price: try fields.decimal(2), volume: try fields.optionalDecimal(3), bidPrice: try fields.optionalDecimal(4),
      askPrice: try fields.optionalDecimal(5), source: try fields.text(6, longest: 64),
      dataType: try fields.text(7, longest: 64))
    guard row.price.units > 0 else { throw fields.bad(2) }
    return MarketDataRecord(row: row, knownAt: try collectionTime(fields) ?? knownAt)
  }

  private static func collectionTime(_ fields: ArchiveRow) throws(BadRecord) -> Timestamp? {
    guard !fields.isNull(8) else { return nil }
    let metadata = try fields.record(8, metadataNames)
    return metadata.isNull(0) ? nil : try metadata.milliseconds(0)
  }
}

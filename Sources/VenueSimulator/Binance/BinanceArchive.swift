import Compression
import Crypto
import Market
import Venues

/// The host of whole past days and months as zips, each with a checksum beside it.
struct BinanceArchive {
  private enum Content: String { case klines, aggTrades, trades }

  private let content: Content
  private let series: Int
  private let interval: CandleInterval
  private let name: String
  private let range: Range<Timestamp>

  static func answer(_ path: String, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    let isChecksum = path.hasSuffix(".CHECKSUM")
    let file = isChecksum ? String(path.dropLast(".CHECKSUM".count)) : path
    guard let archive = BinanceArchive(file, reader), archive.range.upperBound <= now,
      let zip = archive.zip(&reader, at: now)
    else {
      return SimulatedAnswer(status: 404, body: Array("<Error><Code>NoSuchKey</Code></Error>".utf8))
    }
    guard isChecksum else {
      return SimulatedAnswer(headers: [VenueHeader("Content-Type", "application/zip")], body: zip)
    }
    return SimulatedAnswer(body: Array("\(SHA256.hexDigest(of: zip))  \(archive.name).zip\n".utf8))
  }

  /// `/data/spot/{daily|monthly}/{klines|aggTrades|trades}/SYMBOL/[INTERVAL/]SYMBOL-…-DATE.zip`
  private init?(_ path: String, _ reader: MarketReader) {
    let parts = path.split(separator: "/")
    guard parts.count >= 6, parts[0] == "data", parts[1] == "spot", parts[2] == "daily" || parts[2] == "monthly",
      let content = Content(rawValue: String(parts[3])), let series = reader.series(String(parts[4])),
      parts.count == (content == .klines ? 7 : 6), parts[parts.count - 1].hasSuffix(".zip")
    else { return nil }
    let label = content == .klines ? String(parts[5]) : content.rawValue
    name = String(parts[parts.count - 1].dropLast(4))
    let prefix = "\(parts[4])-\(label)-"
    guard name.hasPrefix(prefix),
      let interval = CandleInterval(binance: label == "1mo" ? "1M" : label)
        ?? (content == .klines ? nil : .minute),
      let range = Self.range(name.dropFirst(prefix.count), isMonth: parts[2] == "monthly")
    else { return nil }
    (self.content, self.series, self.interval, self.range) = (content, series, interval, range)
  }

  private static func range(_ date: Substring, isMonth: Bool) -> Range<Timestamp>? {
    guard date.utf8.count == (isMonth ? 7 : 10), let start = Timestamp(String(date) + (isMonth ? "-01" : ""))
    else { return nil }
    let interval = isMonth ? CandleInterval(binance: "1M") : CandleInterval(minutes: 1440, name: "1d")
    return interval.map { start..<$0.end(from: start) }
  }

  /// `nil` if nothing was recorded in the range.
  private func zip(_ reader: inout MarketReader, at now: Timestamp) -> [UInt8]? {
    let rows = content == .klines ? klines(&reader, at: now) : trades(&reader, at: now)
    guard !rows.isEmpty else { return nil }
    let sink = OutputBytes()
    let writer = ZipWriter(sink, name: name + ".zip")
    do throws(CompressionError) {
      try writer.add(name + ".csv", rows)
      try writer.finish()
    } catch {
      return nil
    }
    return sink.bytes
  }

  /// Spot files have microseconds from 2025 on.
  private func time(_ time: Timestamp) -> Int64 {
    time.count(inMicroseconds: time >= Timestamp(milliseconds: 1_735_689_600_000))
  }

  private func klines(_ reader: inout MarketReader, at now: Timestamp) -> [UInt8] {
    let bars = reader.bars(
      series, interval, from: range.lowerBound, through: range.upperBound.adding(microseconds: -1), limit: .max,
      at: now)
    var rows: [UInt8] = []
    for bar in bars {
      let candle = bar.candle
      let row: JSONText = """
        \(time(candle.openTime)),\(candle.open),\(candle.high),\(candle.low),\(candle.close),\(candle.volume ?? .zero),\
        \(time(bar.end) - 1),\(candle.quoteVolume ?? .zero),\(candle.trades ?? 0),\(candle.takerBuyBase ?? .zero),\
        \(candle.takerBuyQuote ?? .zero),0

        """
      rows += row.bytes
    }
    return rows
  }

  private func trades(_ reader: inout MarketReader, at now: Timestamp) -> [UInt8] {
    let data = reader.market.series[series]
    var rows: [UInt8] = []
    var index = data.index(from: range.lowerBound)
    while index < data.candles.count, data.candles[index].openTime < range.upperBound {
      let minute = data.synthesis(index)
      for aggregate in minute.aggregates {
        rows += content == .aggTrades ? row(aggregate).bytes : minute.trades(of: aggregate).flatMap { row($0).bytes }
      }
      index += 1
    }
    return rows
  }

  private func row(_ trade: AggregateTrade) -> JSONText {
    """
    \(trade.id),\(trade.price),\(trade.quantity),\(trade.firstTradeId),\(trade.lastTradeId),\(time(trade.time)),\
    \(text: trade.isTakerBuyer ? "False" : "True"),True

    """
  }

  private func row(_ trade: Trade) -> JSONText {
    """
    \(trade.id),\(trade.price),\(trade.quantity),\(trade.quoteQuantity),\(time(trade.time)),\
    \(text: trade.isTakerBuyer ? "False" : "True"),True

    """
  }
}

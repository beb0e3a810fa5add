import Market
import Venues

/// Binance spot, and Binance.US, which is older and smaller.
struct BinanceDialect: Dialect {
  enum Flavour: Sendable {
    case global, us
    /// The socket host whose data are binary.
    case binary
  }

  let flavour: Flavour
  private var limit: WeightLimit

  init(_ flavour: Flavour) {
    self.flavour = flavour
    limit = WeightLimit(perMinute: flavour == .us ? 1200 : 6000)
  }

  // MARK: Requests

  mutating func answer(_ request: VenueRequest, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    let query = Query(request.path)
    if query.path.hasPrefix("/data/") { return BinanceArchive.answer(query.path, &reader, at: now) }
    if query.path.hasSuffix("/exchangeInfo"), query.path.hasPrefix("/fapi/") || query.path.hasPrefix("/dapi/") {
      return SimulatedAnswer(200, #"{"timezone":"UTC","rateLimits":[],"exchangeFilters":[],"symbols":[]}"#)
    }
    guard query.path.hasPrefix("/api/v3/") else {
      return SimulatedAnswer(404, #"{"code":-1000,"msg":"Path \#(text: "not found").","path":"v3"}"#)
    }
    let verdict = limit.take(weight(of: query), at: reader.stamp(now))
    let used = VenueHeader("X-MBX-USED-WEIGHT-1M", String(limit.used))
    switch verdict {
    case .refused(let status, let seconds): return tooMany(status, seconds, at: now, used)
    case .allowed: break
    }
    let unit = VenueAnswer(status: 0, headers: request.headers, body: []).header("X-MBX-TIME-UNIT")
    let isInMicroseconds = flavour != .us && unit?.uppercased() == "MICROSECOND"
    var rest = BinanceRest(
      query: query, isInMicroseconds: isInMicroseconds, flavour: flavour, weightLimit: limit.perMinute, now: now)
    do throws(BinanceRefusal) {
      return SimulatedAnswer(200, try rest.body(&reader), headers: [used])
    } catch {
      return SimulatedAnswer(400, #"{"code":\#(error.code),"msg":\#(quoted: error.message)}"#, headers: [used])
    }
  }

  private func tooMany(_ status: Int, _ seconds: Int64, at now: Timestamp, _ used: VenueHeader) -> SimulatedAnswer {
    let until = now.milliseconds + seconds * 1000
    let message =
      status == 418
      ? "Way too much request weight used; IP banned until \(until). Please use WebSocket Streams for live updates to avoid bans."
      : "Too much request weight used; current limit is \(limit.perMinute) request weight per 1 MINUTE. "
        + "Please use WebSocket Streams for live updates to avoid polling the API."
    return SimulatedAnswer(
      status, #"{"code":-1003,"msg":\#(quoted: message)}"#,
      headers: [used, VenueHeader("Retry-After", String(seconds))])
  }

  /// What each endpoint costs (documentation of 2026-07; Binance.US of 2024-06).
  private func weight(of query: Query) -> Int {
    let isUS = flavour == .us
    let isOneSymbol = query["symbol"] != nil
    switch query.path.dropFirst("/api/v3/".count) {
    case "exchangeInfo": return isUS ? 10 : 20
    case "klines", "uiKlines": return isUS ? 1 : 2
    case "aggTrades": return isUS ? 1 : 4
    case "trades": return isUS ? 1 : 25
    case "historicalTrades": return isUS ? 5 : 25
    case "avgPrice": return isUS ? 1 : 2
    case "ticker/price", "ticker/bookTicker": return isOneSymbol ? (isUS ? 1 : 2) : (isUS ? 2 : 4)
    case "ticker/24hr": return isOneSymbol ? (isUS ? 1 : 2) : (isUS ? 40 : 80)
    case "depth":
      switch query["limit"].flatMap({ Int($0) }) ?? 100 {
      case ...100: return isUS ? 1 : 5
      case ...500: return isUS ? 5 : 25
      case ...1000: return isUS ? 10 : 50
      default: return isUS ? 50 : 250
      }
    default: return 1
    }
  }

  func refusal(status: Int, at now: Timestamp) -> SimulatedAnswer {
    switch status {
    case 429:
      SimulatedAnswer(
        429,
        #"{"code":-1003,"msg":"Too much request weight used; current limit is \#(limit.perMinute) request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."}"#
      )
    case 418:
      SimulatedAnswer(
        418,
        #"{"code":-1003,"msg":"Way too much request weight used; IP banned until \#(now.milliseconds + 120_000). Please use WebSocket Streams for live updates to avoid bans."}"#
      )
    case 451:
      SimulatedAnswer(
        451, #"{"code":0,"msg":"Service unavailable from a restricted location according to 'b. Eligibility'."}"#)
    case 400..<500: SimulatedAnswer(status, #"{"code":-1000,"msg":"An unknown error occurred."}"#)
    // What stands before the venue answers in HTML.
    default: SimulatedAnswer(status: status, body: Array("<html><body>\(status)</body></html>".utf8))
    }
  }
}

/// The venue's account of what a client has used in the clock minute.
private struct WeightLimit: Sendable {
  enum Verdict {
    case allowed
    case refused(status: Int, retryAfterSeconds: Int64)
  }

  /// Requests over the limit that a minute forgives.
  private static let patience = 20
  private static let banSeconds: Int64 = 120

  let perMinute: Int
  private(set) var used = 0
  private var minute: Int64 = .min
  private var refused = 0
  private var bannedUntil = Timestamp.distantPast

  init(perMinute: Int) { self.perMinute = perMinute }

  mutating func take(_ weight: Int, at now: Timestamp) -> Verdict {
    if now < bannedUntil {
      return .refused(status: 418, retryAfterSeconds: (bannedUntil.microseconds - now.microseconds) / 1_000_000 + 1)
    }
    if now.minute != minute { (minute, used, refused) = (now.minute, 0, 0) }
    used += weight
    guard used > perMinute else { return .allowed }
    refused += 1
    if refused > Self.patience {
      bannedUntil = now.adding(microseconds: Self.banSeconds * 1_000_000)
      return .refused(status: 418, retryAfterSeconds: Self.banSeconds)
    }
    let end = Timestamp(minute: now.minute + 1)
    return .refused(status: 429, retryAfterSeconds: (end.microseconds - now.microseconds) / 1_000_000 + 1)
  }
}

/// An error of the venue's own list.
struct BinanceRefusal: Error {
  let code: Int
  let message: String

  static let badSymbol = BinanceRefusal(code: -1121, message: "Invalid symbol.")
  static let badInterval = BinanceRefusal(code: -1120, message: "Invalid interval.")
  static let badCombination = BinanceRefusal(code: -1128, message: "Combination of optional parameters invalid.")

  static func missing(_ name: String) -> BinanceRefusal {
    BinanceRefusal(
      code: -1102, message: "Mandatory parameter '\(name)' was not sent, was empty/null, or malformed.")
  }

  static func illegal(_ name: String) -> BinanceRefusal {
    BinanceRefusal(
      code: -1100, message: "Illegal characters found in parameter '\(name)'; legal range is '^[0-9]{1,20}$'.")
  }

  static func bad(_ name: String) -> BinanceRefusal {
    BinanceRefusal(code: -1130, message: "Data sent for parameter '\(name)' is not valid.")
  }

  static func unread(read: Int, sent: Int) -> BinanceRefusal {
    BinanceRefusal(
      code: -1104, message: "Not all sent parameters were read; read '\(read)' parameter(s) but was sent '\(sent)'.")
  }
}

extension Timestamp {
  /// In the unit a client asked for.
  func count(inMicroseconds: Bool) -> Int64 { inMicroseconds ? microseconds : milliseconds }
}

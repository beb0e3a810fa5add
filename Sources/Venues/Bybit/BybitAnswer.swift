import Market

/// The envelope of Bybit's answers: `retCode` tells what the HTTP status does not.
enum BybitAnswer {
  /// The member `list` of a good answer's result.
  static func list<Value>(
    _ answer: VenueAnswer, _ read: (inout JSONScanner) throws(VenueError) -> [Value]
  ) throws(VenueError) -> [Value] {
    let values = try result(answer) { scanner throws(VenueError) -> [Value]? in
      var values: [Value]?
      try scanner.object { scanner, key throws(VenueError) in
        if case "list" = key { values = try read(&scanner) } else { try scanner.skip() }
      }
      return values
    }
    guard let values else { throw .malformed(offset: 0, reason: "no list in the result") }
    return values
  }

  static func time(_ answer: VenueAnswer) throws(VenueError) -> Timestamp {
    let nanoseconds = try result(answer) { scanner throws(VenueError) -> Int64? in
      var nanoseconds: Int64?
      try scanner.object { scanner, key throws(VenueError) in
        if case "timeNano" = key { nanoseconds = try scanner.quotedInteger() } else { try scanner.skip() }
      }
      return nanoseconds
    }
    guard let nanoseconds, let time = Timestamp(plausible: nanoseconds / 1000, unitsPerSecond: 1_000_000) else {
      throw .malformed(offset: 0, reason: "no timeNano of this century")
    }
    return time
  }

  /// The first levels of a book; `nil` for a side without orders.
  static func quote(_ answer: VenueAnswer) throws(VenueError) -> Quote? {
    var time: Int64?
    var (bids, asks): ([BookUpdate.Level]?, [BookUpdate.Level]?)
    _ = try result(answer) { scanner throws(VenueError) -> Bool? in
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "b": bids = try scanner.levels()
        case "a": asks = try scanner.levels()
        case "ts": time = try scanner.integer()
        default: try scanner.skip()
        }
      }
      return true
    }
    guard let bids, let asks else { throw .malformed(offset: 0, reason: "no b and a in the result") }
    return Quote(
      bids: bids, asks: asks, time: time.flatMap { Timestamp(plausible: $0, unitsPerSecond: 1000) })
  }

  private static func result<Value>(
    _ answer: VenueAnswer, _ read: (inout JSONScanner) throws(VenueError) -> Value?
  ) throws(VenueError) -> Value? {
    try requireSuccess(answer)
    return try answer.scan { scanner throws(VenueError) in
      var (code, reason): (Int64?, String?)
      var result: JSONScanner?
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "retCode": code = try scanner.integer()
        case "retMsg": reason = String(try scanner.string().prefix(200))
        case "result":
          result = scanner
          try scanner.skip()
        default: try scanner.skip()
        }
      }
      guard let code else { throw scanner.malformed("no retCode") }
      try requireSuccess(code, reason ?? "no reason given", answer)
      guard var result else { throw scanner.malformed("no result") }
      return try read(&result)
    }
  }

  private static func requireSuccess(
    _ code: Int64, _ reason: String, _ answer: VenueAnswer
  ) throws(VenueError) {
    switch code {
    case 0: return
    case 10006, 10018:
      throw .limited(status: answer.status, retryAfterSeconds: answer.retryAfterSeconds, reason: reason)
    case 10000, 10016: throw .unavailable(status: answer.status, reason: reason)
    default: throw .refused(status: answer.status, code: Int(exactly: code), reason: reason)
    }
  }

  /// After too many requests Bybit answers 403 for ten minutes at least; to some countries it always does.
  private static func requireSuccess(_ answer: VenueAnswer) throws(VenueError) {
    let text = String(decoding: answer.body.prefix(200), as: UTF8.self)
    if answer.status == 403, text.lowercased().contains("too frequent") {
      throw .limited(status: 403, retryAfterSeconds: answer.retryAfterSeconds ?? 600, reason: text)
    }
    try answer.requireSuccess { _ in nil }
  }
}

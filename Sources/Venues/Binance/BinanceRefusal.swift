/// The body that explains a failure: `{"code":-1121,"msg":"Invalid symbol."}`. Proxies in between answer with anything.
struct BinanceRefusal {
  var code: Int?
  var reason: String
  static let longestReason = 200

  init(_ scanner: inout JSONScanner) throws(VenueError) {
    var (code, message): (Int?, String?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "code": code = Int(try scanner.integer())
      case "msg": message = try scanner.string()
      default: try scanner.skip()
      }
    }
    guard code != nil || message != nil else { throw scanner.malformed("neither code nor msg") }
    self.code = code
    reason = message.map { String($0.prefix(Self.longestReason)) } ?? "no reason given"
  }

  /// The code and reason, or how the body begins.
  init(body: [UInt8]) {
    if let refusal = Self.parsed(body) {
      self = refusal
    } else {
      let start = String(decoding: body.prefix(Self.longestReason), as: UTF8.self)
      (code, reason) = (nil, body.isEmpty ? "an empty answer" : "not JSON: " + start)
    }
  }

  private static func parsed(_ body: [UInt8]) -> BinanceRefusal? {
    body.withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      return try? BinanceRefusal(&scanner)
    }
  }

  /// Where the body says too many requests, whatever the status.
  private static let tooManyRequests = -1003

  func error(status: Int, retryAfterSeconds: Int?) -> VenueError {
    switch status {
    case 429, 418: .limited(status: status, retryAfterSeconds: retryAfterSeconds, reason: reason)
    case _ where code == Self.tooManyRequests:
      .limited(status: status, retryAfterSeconds: retryAfterSeconds, reason: reason)
    case 408, 500...: .unavailable(status: status, reason: reason)
    default: .refused(status: status, code: code, reason: reason)
    }
  }
}

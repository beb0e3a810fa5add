extension VenueAnswer {
  /// Throws unless the status says success, partial content included.
  ///
  /// - Parameter reason: what the body says went wrong, if it says so.
  func requireSuccess(_ reason: (VenueAnswer) -> String?) throws(VenueError) {
    guard !(200...299).contains(status) else { return }
    let text = (reason(self) ?? String(decoding: body.prefix(200), as: UTF8.self))
    switch status {
    case 418, 429: throw .limited(status: status, retryAfterSeconds: retryAfterSeconds, reason: text)
    case 500...: throw .unavailable(status: status, reason: text)
    default: throw .refused(status: status, code: nil, reason: text)
    }
  }

  /// `nil` if the header is absent, or a date.
  var retryAfterSeconds: Int? { header("Retry-After").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil } }

  /// Gives a scanner over the whole body, after which nothing may follow.
  func scan<Value>(
    _ body: (inout JSONScanner) throws(VenueError) -> Value
  ) throws(VenueError) -> Value {
    try self.body.withUnsafeBufferPointer { bytes throws(VenueError) in
      var scanner = JSONScanner(bytes)
      let value = try body(&scanner)
      try scanner.end()
      return value
    }
  }

  /// The text of the body's member `error`.
  var errorText: String? {
    try? scan { scanner throws(VenueError) in
      var text: String?
      try scanner.object { scanner, key throws(VenueError) in
        guard case "error" = key, scanner.peek() == .string else { return try scanner.skip() }
        text = String(try scanner.string().prefix(200))
      }
      return text
    }
  }
}

package import Market

/// Where a Redis server is and how to enter, from `redis://user:password@host:port/database`.
package struct RedisAddress: Hashable, Sendable {
  package let host: String
  package let port: UInt16
  /// `nil` for the default user.
  package let user: String?
  package let password: Secret?
  package let database: Int

  package init(
    host: String = "127.0.0.1", port: UInt16 = 6379, user: String? = nil, password: Secret? = nil, database: Int = 0
  ) {
    (self.host, self.port, self.user) = (host, port, user)
    (self.password, self.database) = (password, database)
  }

  /// - Throws: `badURL` or `tlsNotSupported`, without the password.
  package init(url: String) throws(RedisError) {
    guard let scheme = url.range(of: "://") else { throw Self.refused(url, "it begins with redis://") }
    let rest = url[scheme.upperBound...]
    guard url[..<scheme.lowerBound] != "rediss" else { throw .tlsNotSupported(url: Self.shown(url)) }
    guard url[..<scheme.lowerBound] == "redis" else { throw Self.refused(url, "it begins with redis://") }
    guard !rest.contains(where: { "?#".contains($0) }) else {
      throw Self.refused(url, "it has no options after ? or #")
    }
    // A password may contain a slash or an at sign by mistake; the last at sign ends it.
    let login = rest.lastIndex(of: "@").map { rest[..<$0] }
    let place = login.map { rest[rest.index(after: $0.endIndex)...] } ?? rest
    let parts = place.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    (host, port) = try Self.place(parts[0], url)
    database = try Self.database(parts.count == 2 ? parts[1] : "", url)
    (user, password) = try Self.login(login, url)
  }

  private static func place(_ text: Substring, _ url: String) throws(RedisError) -> (String, UInt16) {
    var (host, port) = (text, Substring("6379"))
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { throw refused(url, "the address in brackets does not end") }
      host = text[text.index(after: text.startIndex)..<end]
      let after = text[text.index(after: end)...]
      guard after.isEmpty || after.first == ":" else { throw refused(url, "after the brackets comes :port") }
      if !after.isEmpty { port = after.dropFirst() }
    } else if let colon = text.firstIndex(of: ":") {
      (host, port) = (text[..<colon], text[text.index(after: colon)...])
    }
    guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw refused(url, "the host is missing or has characters that no host has")
    }
    guard let number = UInt16(port), number > 0 else { throw refused(url, "the port is a number from 1 to 65535") }
    return (String(host), number)
  }

  private static func database(_ text: Substring, _ url: String) throws(RedisError) -> Int {
    if text.isEmpty { return 0 }
    guard let number = UInt16(text) else { throw refused(url, "the database after the slash is a number such as 0") }
    return Int(number)
  }

  private static func login(_ text: Substring?, _ url: String) throws(RedisError) -> (String?, Secret?) {
    guard let text else { return (nil, nil) }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let user = parts.count == 2 ? parts[0] : ""
    guard let name = String(percentDecoding: user), let word = String(percentDecoding: parts[parts.count - 1]) else {
      throw refused(url, "after each % of user and password come two hexadecimal digits")
    }
    return (name.isEmpty ? nil : name, word.isEmpty ? nil : Secret(word))
  }

  private static func refused(_ url: String, _ rule: String) -> RedisError { .badURL(url: shown(url), rule: rule) }

  /// Without what may be a password.
  private static func shown(_ url: String) -> String {
    guard let at = url.lastIndex(of: "@") else { return String(url.prefix(80)) }
    let scheme = url.range(of: "://").map { url[..<$0.upperBound] } ?? ""
    return scheme + Secret.mask + String(url[at...].prefix(80))
  }
}

extension RedisAddress: CustomStringConvertible {
  /// Without user and password.
  package var description: String {
    (host.contains(":") ? "[\(host)]" : host) + ":\(port)" + (database == 0 ? "" : "/\(database)")
  }
}

extension String {
  /// `nil` where a percent sign is not followed by two hexadecimal digits.
  fileprivate init?(percentDecoding text: Substring) {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    self.init(decoding: bytes, as: UTF8.self)
  }

  /// The first place of a text, as Foundation's.
  fileprivate func range(of word: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(word) { return start..<index(start, offsetBy: word.count) }
      start = index(after: start)
    }
    return nil
  }
}

import Market

/// Where a PostgreSQL database is and how to log in: `postgres://user:password@host:port/database?sslmode=verify-full`.
///
/// What it leaves out, libpq takes from its environment (`PGUSER`, `PGPASSWORD`, `PGPASSFILE`, …) and from `~/.pgpass`.
/// Several hosts are separated by commas; a folder with a socket is a host whose slashes are written `%2F`.
package struct PostgresLocation: Hashable, Sendable {
  /// libpq's names and their values, the password aside, in the order of the address.
  let settings: [Setting]
  let password: Secret?
  /// Never has the password.
  package let description: String

  struct Setting: Hashable, Sendable {
    let name: String
    let value: String
  }

  /// What may stand after the `?`.
  static let knownSettings: Set<String> = [
    "application_name", "channel_binding", "connect_timeout", "gssencmode", "host", "keepalives", "keepalives_count",
    "keepalives_idle", "keepalives_interval", "krbsrvname", "options", "passfile", "password", "port",
    "requirepeer", "sslcert", "sslcompression", "sslcrl", "sslcrldir", "sslkey", "sslmode", "sslpassword",
    "sslrootcert", "sslsni", "ssl_max_protocol_version", "ssl_min_protocol_version", "target_session_attrs",
    "tcp_user_timeout", "user",
  ]

  /// The same database as it is reached on the machine that shows it at a port; never has the password.
  package func onHost(port: Int) -> String {
    func part(_ name: String) -> String? {
      settings.last { $0.name == name }.map { setting in
        setting.value.utf8.map { byte in Self.isPlain(byte) ? String(UnicodeScalar(byte)) : Self.escaped(byte) }
          .joined()
      }
    }
    return "postgres://\(part("user").map { $0 + "@" } ?? "")localhost:\(port)\(part("dbname").map { "/" + $0 } ?? "")"
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || "-_.".utf8.contains(byte)
  }

  private static func escaped(_ byte: UInt8) -> String {
    "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }

  private static let secretSettings: Set<String> = ["password", "sslpassword"]

  package static func isAddress(_ text: some StringProtocol) -> Bool {
    text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
  }

  package init(_ text: String) throws(StoreError) {
    guard Self.isAddress(text), let start = text.firstRange(of: "://")?.upperBound else {
      throw Self.malformed("it must begin with postgres:// or postgresql://")
    }
    let rest = text[start...]
    guard !rest.contains("#") else { throw Self.malformed("a # must be written %23") }
    let query = rest.firstIndex(of: "?")
    let address = rest[..<(query ?? rest.endIndex)]
    let slash = address.firstIndex(of: "/")
    let authority = Authority(address[..<(slash ?? address.endIndex)])
    var settings: [Setting] = []
    var shown = "postgres://"
    if let user = authority.user {
      settings.append(Setting(name: "user", value: try Self.decoded(user, "the user")))
      shown += user + "@"
    }
    var password = try authority.password.map { text throws(StoreError) in
      Secret(try Self.decoded(text, "the password"))
    }
    settings += try Self.hosts(authority.hosts)
    shown += authority.hosts
    if let slash {
      let database = try Self.decoded(address[address.index(after: slash)...], "the database")
      if !database.isEmpty { settings.append(Setting(name: "dbname", value: database)) }
      shown += address[slash...]
    }
    let extras = query.map { rest[rest.index(after: $0)...] } ?? ""
    for setting in try Self.query(extras) {
      if setting.name == "password" { password = Secret(setting.value) } else { settings.append(setting) }
    }
    (self.settings, self.password, description) = (settings, password, shown)
  }

  func has(_ name: String) -> Bool { settings.contains { $0.name == name } }

  // MARK: Parts

  private struct Authority {
    var user: Substring?
    var password: Substring?
    var hosts: Substring

    init(_ text: Substring) {
      guard let at = text.lastIndex(of: "@") else {
        hosts = text
        return
      }
      let login = text[..<at]
      let colon = login.firstIndex(of: ":")
      let name = login[..<(colon ?? login.endIndex)]
      user = name.isEmpty ? nil : name
      password = colon.map { login[login.index(after: $0)...] }
      hosts = text[text.index(after: at)...]
    }
  }

  private static func hosts(_ text: Substring) throws(StoreError) -> [Setting] {
    guard !text.isEmpty else { return [] }
    var names: [String] = []
    var ports: [String] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let (name, port) = try host(part)
      guard port.isEmpty || UInt16(port).map({ $0 > 0 }) == true else {
        throw malformed("what follows the host is not a port from 1 to 65535; a / in a password is written %2F")
      }
      names.append(try decoded(name, "the host"))
      ports.append(String(port))
    }
    let hosts = Setting(name: "host", value: names.joined(separator: ","))
    return ports.contains { !$0.isEmpty }
      ? [hosts, Setting(name: "port", value: ports.joined(separator: ","))] : [hosts]
  }

  private static func host(_ text: Substring) throws(StoreError) -> (name: Substring, port: Substring) {
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { throw malformed("an address in [ ] is not closed") }
      let tail = text[text.index(after: end)...]
      guard tail.isEmpty || tail.first == ":" else { throw malformed("after ] there must be a port or nothing") }
      return (text[text.index(after: text.startIndex)..<end], tail.dropFirst())
    }
    guard let colon = text.lastIndex(of: ":") else { return (text, "") }
    return (text[..<colon], text[text.index(after: colon)...])
  }

  private static func query(_ text: Substring) throws(StoreError) -> [Setting] {
    var settings: [Setting] = []
    for part in text.split(separator: "&") {
      guard let equals = part.firstIndex(of: "=") else { throw malformed("a setting after ? has no value") }
      let name = String(part[..<equals])
      guard knownSettings.contains(name) else {
        throw malformed("\(name) is not a setting; known are \(knownSettings.sorted().joined(separator: ", "))")
      }
      let value = try decoded(part[part.index(after: equals)...], secretSettings.contains(name) ? "a password" : name)
      settings.append(Setting(name: name, value: value))
    }
    return settings
  }

  /// - Parameter part: names it in an error, which never shows the text.
  private static func decoded(_ text: Substring, _ part: String) throws(StoreError) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(Self.digit), let low = rest.popFirst().flatMap(Self.digit) else {
        throw malformed("\(part) has a % without two hexadecimal digits")
      }
      bytes.append(high << 4 | low)
    }
    guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
      throw malformed("\(part) is not proper text")
    }
    return decoded
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func malformed(_ reason: String) -> StoreError {
    .cannotOpen(
      path: "postgres://…",
      reason: "the address is not right: \(reason); it looks like postgres://user:password@host:5432/database")
  }
}

extension PostgresLocation: CustomStringConvertible, CustomReflectable {
  /// A dump shows no more than the description.
  package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

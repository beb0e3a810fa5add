/// Scheme, host, port and a path to begin with: where a service listens.
package struct CloudEndpoint: Hashable, Sendable, CustomStringConvertible {
  package struct Malformed: Error, Hashable { let reason: String }

  package let scheme: String
  /// As it stands in the `Host` header: without the scheme's own port.
  package let authority: String
  /// Without a slash at the end; empty for most.
  package let basePath: String

  package init(_ url: String) throws(Malformed) {
    let parts = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "http" || parts[0] == "https" else {
      throw Malformed(reason: "it must begin with http:// or https://")
    }
    let scheme = String(parts[0])
    guard !parts[1].contains("@"), !parts[1].contains("?"), !parts[1].contains("#") else {
      throw Malformed(reason: "neither a user nor a query belongs there")
    }
    let slash = parts[1].firstIndex(of: "/") ?? parts[1].endIndex
    (self.scheme, authority) = (scheme, try Self.authority(parts[1][..<slash], scheme))
    let segments = parts[1][slash...].split(separator: "/")
    guard segments.allSatisfy({ $0.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x25 } }),
      !segments.contains("."), !segments.contains("..")
    else { throw Malformed(reason: "its path must be plain") }
    basePath = segments.map { "/" + $0 }.joined()
  }

  private init(host: String) { (scheme, authority, basePath) = ("https", host, "") }

  static func aws(_ service: CloudService, region: String) -> CloudEndpoint {
    let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    return CloudEndpoint(host: "\(service.rawValue).\(region).\(domain)")
  }

  /// The same with a name put before the host.
  func below(_ name: String) -> CloudEndpoint { CloudEndpoint(copying: self, authority: "\(name).\(authority)") }

  private init(copying other: CloudEndpoint, authority: String) {
    (scheme, self.authority, basePath) = (other.scheme, authority, other.basePath)
  }

  package var description: String { "\(scheme)://\(authority)\(basePath)" }

  /// A port is kept unless it is the scheme's own, which clients leave out of `Host`.
  private static func authority(_ text: Substring, _ scheme: String) throws(Malformed) -> String {
    let isBracketed = text.hasPrefix("[")
    let hostEnd =
      isBracketed
      ? text.firstIndex(of: "]").map { text.index(after: $0) } ?? text.startIndex
      : text.firstIndex(of: ":") ?? text.endIndex
    let host = text[..<hostEnd].lowercased()
    let allowed = isBracketed ? "[]:.%" : "-._"
    guard !host.isEmpty,
      host.utf8.allSatisfy({ ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || allowed.utf8.contains($0) })
    else { throw Malformed(reason: "it has no usable host") }
    guard hostEnd < text.endIndex else { return host }
    guard text[hostEnd] == ":", let port = UInt16(text[text.index(after: hostEnd)...]), port > 0 else {
      throw Malformed(reason: "the port must be a number from 1 to 65535")
    }
    return port == (scheme == "https" ? 443 : 80) ? host : "\(host):\(port)"
  }
}

internal import Crypto
internal import Transport

/// Who may ask, how often, and from which pages.
package struct AccessPolicy: Sendable {
  package var tokens: [AccessToken]
  /// Who is on this machine needs no token and is not limited.
  package var trustsLoopback: Bool
  /// Of one client, over time and at once; 0 is without a limit.
  package var requestsPerSecond: Double
  package var burst: Int
  /// Whose pages may read answers in a browser, such as `https://example.org`; pages of the server itself always may.
  package var origins: Set<String>

  package init(
    tokens: [AccessToken] = [], trustsLoopback: Bool = true, requestsPerSecond: Double = 50, burst: Int = 100,
    origins: Set<String> = []
  ) {
    (self.tokens, self.trustsLoopback) = (tokens, trustsLoopback)
    (self.requestsPerSecond, self.burst, self.origins) = (requestsPerSecond, burst, origins)
  }

  /// What a request's credentials open.
  func scope(of request: ServerRequest) throws(APIFailure) -> AccessToken.Scope {
    guard let credentials = request.header("Authorization") else {
      if trustsLoopback, request.client?.isLoopback == true { return .admin }
      throw Self.unauthorized(
        tokens.isEmpty
          ? "only this machine is answered, as no token is configured (server.read_token)"
          : "send Authorization: Bearer TOKEN")
    }
    guard let secret = Self.secret(credentials) else {
      throw Self.unauthorized("Authorization is neither Bearer TOKEN nor Basic with a token as the password")
    }
    let hash = AccessToken.hash(secret)
    // All are looked at, whichever is right.
    let scopes = tokens.map { $0.matches(hash) ? $0.scope : nil }.compactMap(\.self)
    guard let scope = scopes.max() else { throw Self.unauthorized("this token opens nothing") }
    return scope
  }

  /// Browsers ask their users only for Basic.
  private static func unauthorized(_ message: String) -> APIFailure {
    APIFailure(
      401, "unauthorized", message,
      headers: [HTTPHeader("WWW-Authenticate", #"Basic realm="candlecast", Bearer realm="candlecast""#)])
  }

  private static func secret(_ credentials: String) -> String? {
    let parts = credentials.split(separator: " ", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    switch parts[0].lowercased() {
    case "bearer": return String(parts[1])
    case "basic":
      guard let bytes = Base64.bytes(of: parts[1], padding: .optional),
        let text = String(validating: bytes, as: UTF8.self),
        let colon = text.firstIndex(of: ":")
      else { return nil }
      return String(text[text.index(after: colon)...])
    default: return nil
    }
  }

  /// A page of another origin may read nothing that it is not allowed to, and open no socket, which no browser forbids.
  func isWelcome(_ origin: String, at request: ServerRequest) -> Bool {
    if origins.contains(origin) { return true }
    guard let host = request.header("Host") else { return false }
    return origin == "http://" + host || origin == "https://" + host
  }

  /// Whether a page may have something changed. Where its reader is trusted for being on this machine, that takes a name
  /// of this machine, since a stranger can let a name of his own lead here.
  func mayChange(from origin: String, by request: ServerRequest) -> Bool {
    guard !origins.contains(origin) else { return true }
    guard isWelcome(origin, at: request) else { return false }
    return request.header("Authorization") != nil || request.header("Host").map(Self.isOfThisMachine) == true
  }

  private static func isOfThisMachine(_ host: String) -> Bool {
    let name = host.hasSuffix("]") ? host[...] : host[..<(host.lastIndex(of: ":") ?? host.endIndex)]
    return ["localhost", "127.0.0.1", "[::1]"].contains(String(name))
  }
}

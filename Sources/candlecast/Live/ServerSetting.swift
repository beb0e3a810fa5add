import Operations
import Serving
import Transport

/// How the server of a live feed is configured.
struct ServerSetting {
  let host: String
  let feederPort: Int
  /// `nil` where it does not listen.
  let gapHandlerPort: Int?
  /// `nil` where the API has no port of its own.
  let apiPort: Int?
  let policy: AccessPolicy
  private let limits: HTTPServer.Options

  init(_ configuration: Configuration) throws {
    host = configuration.text("server.host") ?? "127.0.0.1"
    feederPort = configuration.integer("server.feeder_port") ?? 8080
    gapHandlerPort = configuration.hasGapHandlerPort ? configuration.integer("server.gap_handler_port") ?? 9000 : nil
    apiPort = configuration.boolean("server.api") == true ? configuration.integer("server.api_port") ?? 8000 : nil
    var policy = AccessPolicy()
    policy.tokens = try Self.tokens(configuration)
    policy.trustsLoopback = configuration.boolean("server.trust_loopback") ?? policy.trustsLoopback
    policy.requestsPerSecond = configuration.number("server.requests_per_second") ?? policy.requestsPerSecond
    policy.burst = configuration.integer("server.request_burst") ?? policy.burst
    policy.origins = Set(configuration.list("server.cors_origins"))
    self.policy = policy
    var limits = HTTPServer.Options(host: host, maxBodyBytes: 1 << 20)
    limits.tls = try Self.tls(configuration)
    limits.maxHeaderBytes = configuration.integer("server.max_header_bytes") ?? limits.maxHeaderBytes
    limits.maxBodyBytes = configuration.integer("server.max_body_bytes") ?? limits.maxBodyBytes
    limits.maxConnections = configuration.integer("server.max_connections") ?? limits.maxConnections
    limits.requestTimeoutSeconds = configuration.number("server.request_seconds") ?? limits.requestTimeoutSeconds
    limits.idleTimeoutSeconds = configuration.number("server.idle_seconds") ?? limits.idleTimeoutSeconds
    self.limits = limits
  }

  func options(port: Int) -> HTTPServer.Options {
    var options = limits
    options.port = port
    return options
  }

  /// Address of the page for a browser on this machine.
  func page(port: Int) -> String {
    let name = ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
    return "\(limits.tls == nil ? "http" : "https")://\(name):\(port)/"
  }

  private static func tokens(_ configuration: Configuration) throws -> [AccessToken] {
    try [("server.read_token", AccessToken.Scope.read), ("server.admin_token", .admin)].compactMap { key, scope in
      guard let secret = configuration.text(key), !secret.isEmpty else { return nil }
      guard let token = AccessToken(secret, scope) else {
        throw CommandError(.wrongUsage, "\(key) is shorter than \(AccessToken.fewestBytes) bytes; take a longer one")
      }
      return token
    }
  }

  private static func tls(_ configuration: Configuration) throws -> HTTPServer.Options.TLS? {
    switch (configuration.text("server.tls_certificate"), configuration.text("server.tls_key")) {
    case (nil, nil): return nil
    case (let certificate?, let key?): return .init(certificateFile: certificate, keyFile: key)
    default:
      throw CommandError(.wrongUsage, "server.tls_certificate and server.tls_key go together; set both or neither")
    }
  }
}

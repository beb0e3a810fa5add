/// Why bytes did not go over: what, where, and what to do. Never holds a query, which may carry a key.
package enum TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  case badURL(String, reason: String)
  case badHeader(name: String)
  case cannotResolve(host: String)
  /// Nobody listens there, or the network says no.
  case cannotConnect(host: String, reason: String)
  /// The peer's certificate or the handshake was refused.
  case tls(host: String, reason: String)
  case timeout(host: String, phase: Phase, seconds: Double)
  case tooLarge(host: String, limitBytes: Int)
  case cancelled(host: String)
  /// The server answered the upgrade request with something else.
  case upgradeRefused(host: String, status: Int?, reason: String)
  /// The socket was closed before or while sending.
  case closed(host: String)
  case failed(host: String, reason: String)
  case portTaken(host: String, port: Int)
  case cannotListen(host: String, port: Int, reason: String)
  case cannotStart(reason: String)

  package enum Phase: String, Sendable {
    case connect = "connecting"
    case answer = "waiting for the whole answer"
    case upgrade = "waiting for the WebSocket upgrade"
  }

  package var description: String {
    switch self {
    case .badURL(let url, let reason): "\(url): not a usable URL: \(reason)"
    case .badHeader(let name): "header \(name): a name must be a token and a value must be one line"
    case .cannotResolve(let host): "\(host): the name does not resolve; check the name and the DNS of this machine"
    case .cannotConnect(let host, let reason): "\(host): cannot connect: \(reason)"
    case .tls(let host, let reason): "\(host): TLS refused: \(reason)"
    case .timeout(let host, let phase, let seconds): "\(host): gave up after \(seconds) s \(phase.rawValue)"
    case .tooLarge(let host, let limit): "\(host): the answer is larger than \(limit) bytes"
    case .cancelled(let host): "\(host): cancelled"
    case .upgradeRefused(let host, let status, let reason):
      "\(host): no WebSocket: \(status.map { "status \($0), " } ?? "")\(reason)"
    case .closed(let host): "\(host): the socket is closed"
    case .failed(let host, let reason): "\(host): \(reason)"
    case .portTaken(let host, let port):
      "\(host):\(port): the port is taken; stop the other program or choose another port, 0 finds a free one"
    case .cannotListen(let host, let port, let reason): "\(host):\(port): cannot listen: \(reason)"
    case .cannotStart(let reason): "the network library cannot start: \(reason)"
    }
  }
}

internal import Operations
internal import Synchronization
internal import Transport

/// Lets requests in by the policy, whichever port they come to.
package final class Doorkeeper: Sendable {
  package let policy: AccessPolicy
  private let limiter: Mutex<RateLimiter>
  private let seconds: @Sendable () -> Double

  /// - Parameter seconds: a clock that never goes back.
  package init(_ policy: AccessPolicy, seconds: @escaping @Sendable () -> Double) {
    (self.policy, self.seconds) = (policy, seconds)
    limiter = Mutex(RateLimiter(perSecond: policy.requestsPerSecond, burst: policy.burst))
  }

  /// Whose credentials do not suffice is counted like everybody, so that guessing is slow.
  func admit(_ request: ServerRequest, needing wanted: AccessToken.Scope) throws(APIFailure) {
    let isTrusted = policy.trustsLoopback && request.client?.isLoopback == true
    var scope: AccessToken.Scope?
    var failure: APIFailure?
    do throws(APIFailure) { scope = try policy.scope(of: request) } catch { failure = error }
    if scope != .admin, !isTrusted { try count(request.client) }
    if let failure { throw failure }
    guard let scope, scope >= wanted else {
      throw APIFailure(403, "forbidden", "this needs a token of scope \(wanted)")
    }
    if wanted == .admin { try checkPage(request) }
  }

  /// A browser sends what a page of anybody asks it to, with its owner's place and credentials.
  private func checkPage(_ request: ServerRequest) throws(APIFailure) {
    guard let origin = request.header("Origin"), !policy.mayChange(from: origin, by: request) else { return }
    throw APIFailure(
      403, "foreign_origin", "pages of \(origin.shortened) may change nothing; server.cors_origins says which may")
  }

  private func count(_ client: ClientAddress?) throws(APIFailure) {
    let client = client?.network ?? ClientAddress(high: 0, low: 0)
    guard let wait = limiter.withLock({ $0.take(client, at: seconds()) }) else { return }
    throw APIFailure(
      429, "too_many_requests",
      "more than \(policy.requestsPerSecond) requests a second; wait as Retry-After says",
      headers: [HTTPHeader("Retry-After", "\(Int(wait.rounded(.up)))")])
  }

  // MARK: Other origins

  /// Headers for an answer that a page of an allowed origin reads.
  func headers(for request: ServerRequest) -> [HTTPHeader] {
    guard let origin = request.header("Origin"), policy.origins.contains(origin) else { return [] }
    return [
      HTTPHeader("Access-Control-Allow-Origin", origin), HTTPHeader("Vary", "Origin"),
      HTTPHeader("Access-Control-Expose-Headers", "Retry-After"),
    ]
  }

  /// The answer to a browser that asks by OPTIONS whether it may ask.
  func preflight(_ request: ServerRequest, methods: String) -> ServerResponse? {
    guard request.header("Access-Control-Request-Method") != nil,
      let origin = request.header("Origin"), policy.origins.contains(origin)
    else { return nil }
    return ServerResponse(
      status: 204,
      headers: [
        HTTPHeader("Access-Control-Allow-Origin", origin), HTTPHeader("Vary", "Origin"),
        HTTPHeader("Access-Control-Allow-Methods", methods),
        HTTPHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, Inference-Header-Content-Length"),
        HTTPHeader("Access-Control-Max-Age", "600"),
      ])
  }

  func admitSocket(_ request: ServerRequest) throws(APIFailure) {
    if let origin = request.header("Origin"), !policy.isWelcome(origin, at: request) {
      throw APIFailure(
        403, "foreign_origin", "pages of \(origin.shortened) may not listen; server.cors_origins says which may")
    }
    try admit(request, needing: .read)
  }
}

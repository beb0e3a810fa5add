internal import Market
internal import Transport

/// Signs requests, sends them, and sends again what may succeed later.
struct CloudLink: Sendable {
  let http: HTTPClient
  let access: CloudAccess
  let service: CloudService
  let surroundings: Surroundings
  let backoff: Backoff
  /// Of one attempt.
  let timeoutSeconds: Double

  /// Returns an answer of status 200 to 299.
  ///
  /// - Parameters:
  ///   - endpoint: `nil` is the service's own.
  ///   - mayHideError: the body of a success can be an error too.
  func send(
    _ request: CloudRequest, about subject: CloudSubject, at endpoint: CloudEndpoint? = nil,
    mayHideError: Bool = false
  ) async throws(CloudError) -> HTTPAnswer {
    let endpoint = endpoint ?? access.endpoint(service)
    var attempts = 0
    while true {
      attempts += 1
      switch await attempt(request, subject, endpoint, mayHideError, number: attempts) {
      case .done(let answer): return answer
      case .failed(let error, let isTransient):
        guard isTransient, attempts < backoff.attempts else { throw error }
      }
      try await pause(seconds: backoff.seconds(afterFailures: attempts, chance: surroundings.chance()))
    }
  }

  private enum Outcome {
    case done(HTTPAnswer)
    case failed(CloudError, isTransient: Bool)
  }

  private func attempt(
    _ request: CloudRequest, _ subject: CloudSubject, _ endpoint: CloudEndpoint, _ mayHideError: Bool, number: Int
  ) async -> Outcome {
    let now = surroundings.now()
    do throws(TransportError) {
      let answer = try await http.send(signed(request, endpoint, at: now))
      guard let refusal = ServiceRefusal(answer, service, mayHideError: mayHideError) else { return .done(answer) }
      let error = refusal.error(subject, region: access.region, now: now, attempts: number)
      return .failed(error, isTransient: refusal.isTransient)
    } catch {
      return .failed(failure(error, endpoint), isTransient: error.isTransient)
    }
  }

  func pause(seconds: Double) async throws(CloudError) {
    do { try await surroundings.pause(seconds) } catch { throw .cancelled(service) }
  }

  private func failure(_ error: TransportError, _ endpoint: CloudEndpoint) -> CloudError {
    if case .cancelled = error { return .cancelled(service) }
    return .unreachable(service, endpoint: endpoint.description, error)
  }

  private func signed(_ request: CloudRequest, _ endpoint: CloudEndpoint, at now: Timestamp) -> HTTPRequest {
    var request = request
    request.path = endpoint.basePath + request.path
    let signer = RequestSigner(access.credentials, region: access.region, service: service.rawValue)
    let added = signer.headers(for: request, host: endpoint.authority, at: now)
    let query = request.query.isEmpty ? "" : "?" + request.query.canonicalText
    return HTTPRequest(
      method: request.method,
      url: "\(endpoint.scheme)://\(endpoint.authority)\(request.path.percentEncoded(keepingSlash: true))\(query)",
      headers: (request.headers + added).map { HTTPHeader($0.name, $0.value) }, body: request.body,
      timeoutSeconds: timeoutSeconds)
  }
}

extension TransportError {
  /// The same request may come through later.
  fileprivate var isTransient: Bool {
    switch self {
    case .cannotResolve, .cannotConnect, .timeout, .closed, .failed: true
    case .badURL, .badHeader, .tls, .tooLarge, .cancelled, .upgradeRefused, .portTaken, .cannotListen, .cannotStart:
      false
    }
  }
}

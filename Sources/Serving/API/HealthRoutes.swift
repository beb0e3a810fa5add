package import Operations
internal import Transport

extension Route {
  package static func health(_ page: @escaping @Sendable () -> JSONValue) -> Route {
    Route("GET", "/health", "How it stands.", answer: .now { _ in .json(page()) })
  }

  package static let live = Route(
    "GET", "/health/live", "The process runs.", answer: .now { _ in .json(["status": "live"]) })

  /// - Parameter check: throws as long as requests should go elsewhere.
  package static func ready(_ check: @escaping @Sendable () throws(APIFailure) -> Void) -> Route {
    Route(
      "GET", "/health/ready", "Data is received, predicted on and stored; 503 until then.",
      answer: .now { _ throws(APIFailure) in
        try check()
        return .json(["status": "ready"])
      })
  }

  /// - Parameter page: in Prometheus' text format.
  package static func metrics(_ page: @escaping @Sendable () -> String) -> Route {
    Route(
      "GET", "/metrics", "Metrics for Prometheus.", contentType: PrometheusText.contentType, schema: ["type": "string"],
      answer: .now { _ in
        ServerResponse(
          headers: [HTTPHeader("Content-Type", PrometheusText.contentType)], body: Array(page().utf8))
      })
  }

  /// The description of an API, and of itself.
  package static func description(of routes: [Route], version: String) -> Route {
    let summary = "This description, OpenAPI 3.1."
    let document = OpenAPI.document(
      routes + [Route("GET", "/openapi.json", summary, answer: .now { _ in .json(.null) })], version: version)
    return Route("GET", "/openapi.json", summary, answer: .now { _ in .json(document) })
  }
}

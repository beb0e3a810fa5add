internal import Operations
internal import Transport

/// The page that shows a running feed. Its parts are in this program but for the chart library.
package enum Page {
  /// - Parameter charts: TradingView's lightweight-charts; `nil` if it is not installed.
  package static func routes(charts: [UInt8]?) -> [Route] {
    [
      part("/", "text/html; charset=utf-8", "The page.", PackageResources.index_html),
      part("/style.css", "text/css; charset=utf-8", "Its style.", PackageResources.style_css),
      part("/page.js", "text/javascript; charset=utf-8", "Its program.", PackageResources.page_js),
      Route(
        "GET", "/lightweight-charts.js", "Its chart library.", contentType: "text/javascript",
        schema: ["type": "string"],
        answer: .now { _ throws(APIFailure) in
          guard let charts else {
            throw APIFailure(404, "not_installed", "lightweight-charts is not there; `make setup` fetches it")
          }
          return answer("text/javascript; charset=utf-8", charts)
        }),
    ]
  }

  private static func part(_ path: String, _ type: String, _ summary: String, _ bytes: [UInt8]) -> Route {
    Route(
      "GET", path, summary, contentType: String(type.prefix { $0 != ";" }), schema: ["type": "string"],
      answer: .now { _ in answer(type, bytes) })
  }

  private static func answer(_ type: String, _ bytes: [UInt8]) -> ServerResponse {
    ServerResponse(
      headers: [
        HTTPHeader("Content-Type", type), HTTPHeader("Cache-Control", "no-cache"),
        HTTPHeader("X-Content-Type-Options", "nosniff"),
        HTTPHeader(
          "Content-Security-Policy",
          "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"),
      ], body: bytes)
  }
}

import Serving
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct PageTests {
  private static let parts = [
    ("/", "text/html; charset=utf-8"), ("/style.css", "text/css; charset=utf-8"),
    ("/page.js", "text/javascript; charset=utf-8"), ("/lightweight-charts.js", "text/javascript; charset=utf-8"),
  ]

  @Test func `the page and everything it loads come from the server itself`() async throws {
    let ask = try Asking(Page.routes(charts: Array("charts".utf8)))
    for (path, type) in Self.parts {
      let answer = try await ask(path)
      #expect(answer.status == 200)
      #expect(answer.headers["content-type"] == type)
      #expect(answer.headers["content-security-policy"]?.hasPrefix("default-src 'self'") == true)
      #expect(!answer.body.isEmpty)
    }
    let page = String(decoding: try await ask("/").body, as: UTF8.self)
    let loaded = page.matches(of: /(?:src|href)="([^"]*)"/).map { String($0.1) }
    let outside = loaded.filter { $0.hasPrefix("http") }
    #expect(outside == ["https://www.tradingview.com/"], "a link, which nothing is loaded from")
    for path in loaded where !path.contains(":") && !path.hasPrefix("data") {
      #expect(try await ask("/" + path).status == 200, "\(path)")
    }
  }

  @Test func `a chart library that is not installed is named with what to do`() async throws {
    let failure = try await Asking(Page.routes(charts: nil)).failure("/lightweight-charts.js")
    #expect(failure.status == 404)
    #expect(failure.message.contains("make setup"))
  }
}

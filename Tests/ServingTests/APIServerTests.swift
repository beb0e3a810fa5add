import FoundationEssentials
import Operations
import Serving
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct APIServerTests {
  private static let routes = [
    Route(
      "GET", "/things/{name}", "One thing.",
      answer: .now { request in .json(["name": JSONValue(request.places["name"])]) }),
    Route(
      "POST", "/things", "A new thing.", answer: .later { request in .json(["bytes": JSONValue(request.body.count)]) }),
  ]

  @Test func `a place in a path is decoded`() async throws {
    let ask = try Asking(Self.routes)
    let answer = try await ask("/things/a%2Fb%20c")
    #expect(answer.status == 200)
    #expect(String(decoding: answer.body, as: UTF8.self) == #"{"name":"a/b c"}"#)
  }

  @Test(arguments: [
    "/", "/things", "/things/", "/things/a/b", "/THINGS/a", "/things/%zz", "//things/a", "/things/a%ff",
  ])
  func `a path that there is not is no error of the server`(path: String) async throws {
    let ask = try Asking(Self.routes)
    let failure = try await ask.failure(path)
    #expect(failure.status == (path == "/things" ? 405 : 404))
  }

  @Test func `a request whose reply was dropped gets the one shape of errors too`() {
    let answer = APIServer(Self.routes).refusal(500, "why")
    #expect(answer.status == 500)
    #expect(String(decoding: answer.body, as: UTF8.self) == #"{"error":{"code":"no_answer","message":"why"}}"#)
  }

  @Test func `another method is told which ones there are`() async throws {
    let ask = try Asking(Self.routes)
    let answer = try await ask("/things/a", method: "DELETE")
    #expect(answer.status == 405)
    #expect(answer.headers["allow"] == "GET, HEAD")
    #expect(try await ask.failure("/things", method: "PUT").code == "method_not_allowed")
  }

  @Test func `HEAD is GET without its body`() async throws {
    let ask = try Asking(Self.routes)
    let answer = try await ask("/things/a", method: "HEAD")
    #expect(answer.status == 200)
    #expect(answer.body.isEmpty)
  }

  @Test func `without a hub there is no socket, and with one it wants an upgrade`() async throws {
    #expect(try await Asking(Self.routes).failure("/ws").status == 404)
    let failure = try await Asking(Self.routes, hub: Hub()).failure("/ws")
    #expect(failure.status == 426)
    #expect(failure.code == "upgrade_required")
  }

  @Test func `more requests than are answered at once are told to come again`() async throws {
    let (gate, opener) = AsyncStream<Void>.makeStream()
    let opening = Task { for await _ in gate {} }
    let (started, starter) = AsyncStream<Void>.makeStream()
    let slow = Route(
      "GET", "/slow", "Waits.",
      answer: .later { _ in
        starter.yield()
        await opening.value
        return .json(["done": true])
      })
    let ask = try Asking(Self.routes + [slow])
    // libcurl opens one connection alone until it has seen an answer.
    #expect(try await ask("/things/a").status == 200)
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<64 { group.addTask { try await ask("/slow").status } }
      var underWay = 0
      for await _ in started {
        underWay += 1
        if underWay == 64 { break }
      }
      #expect(try await ask.failure("/slow").status == 429)
      opener.finish()
      for try await status in group { #expect(status == 200) }
    }
    #expect(try await ask("/slow").status == 200)
  }

  @Test func `the description lists every route with its parameters`() throws {
    let routes =
      Self.routes + [
        Route(
          "GET", "/list", "Many.", parameters: [Parameter("limit", .integer(1...9, preset: 3), "most")],
          answer: .now { _ in .json([]) })
      ]
    let text = OpenAPI.document(routes, version: "1.0").description
    let document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
    #expect(document.openapi == "3.1.0")
    #expect(Set(document.paths.keys) == ["/things/{name}", "/things", "/list"])
    #expect(document.paths["/list"]?["get"]?.parameters.map(\.name) == ["limit"])
    #expect(document.paths["/things/{name}"]?["get"]?.parameters.map(\.in) == ["path"])
  }

  private struct Document: Decodable {
    struct Operation: Decodable {
      struct Parameter: Decodable {
        let name: String
        let `in`: String
      }

      let parameters: [Parameter]
    }

    let openapi: String
    let paths: [String: [String: Operation]]
  }
}

import FoundationEssentials
import Ingestion
import Market
import Models
import Operations
import Serving
import TestSupport
import Testing
import Transport

@testable import candlecast

/// Versions that are put into production by HTTP.
struct PromotionTests {
  private struct Failure: Decodable {
    struct Reason: Decodable {
      let code: String
      let message: String
    }

    let error: Reason
  }

  private struct Promoted: Decodable { let production: String }

  /// A server of a desk's models, and what notices their changes.
  private struct Service {
    let server: LiveServer
    let watch: ModelWatch

    init(_ context: CommandContext) throws {
      let status = LiveStatus()
      status.models = ServedModels(view: context.view, preset: context.target)
      let content = try LiveContent(context, status, view: context.view, charts: nil).routes(from: nil)
      server = try LiveServer(
        status, try ServerSetting(context.configuration), content, store: LateStore(context.log))
      watch = ModelWatch(
        context, context.view, serving: [.init(target: .direction(horizonMinutes: 15), version: nil)], status)
    }

    func post(_ path: String) async throws -> (status: Int, body: Data) {
      let answer = try await HTTPClient(.init()).send(
        HTTPRequest(
          method: "POST", url: "http://127.0.0.1:\(server.ports.feeder)\(path)", timeoutSeconds: Patience.seconds))
      return (answer.status, Data(answer.body))
    }

    func promoted(_ path: String) async throws -> String {
      let answer = try await post(path)
      try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
      return try JSONDecoder().decode(Promoted.self, from: answer.body).production
    }

    func refusal(_ path: String) async throws -> String {
      let answer = try await post(path)
      let reason = try JSONDecoder().decode(Failure.self, from: answer.body).error
      return "\(answer.status) \(reason.code): \(reason.message)"
    }
  }

  @Test func `a version is put into production and taken back by HTTP, and each is noticed`() async throws {
    let context = try Desk(["market.venue": "binance"]).context()
    let shelf = Shelf(context: context, folder: try TemporaryFolder())
    let service = try Service(context)
    for (name, trees) in [("a", 2), ("b", 3)] { try shelf.register(name, treeCount: trees) }
    _ = service.watch.look()
    _ = service.watch.take()
    for name in ["a", "b"] {
      #expect(try await service.promoted("/v1/models/\(name)/promote") == name)
      #expect(service.watch.look() && service.watch.take().map(\.served.version) == [name])
    }
    #expect(try await service.refusal("/v1/models/b/promote").hasPrefix("409 already_in_production"))
    #expect(try await service.promoted("/v1/models/rollback?target=direction-15m") == "a")
    #expect(service.watch.look() && service.watch.take().map(\.served.version) == ["a"])
    #expect(try await service.refusal("/v1/models/rollback").hasPrefix("409 nothing_to_roll_back_to"))
    let entries = try context.registry.history().filter { $0.action != .register }
    #expect(entries.map(\.action) == [.promote, .promote, .rollback] && entries.allSatisfy { $0.who == "api" })
    await service.server.stop()
  }

  @Test func `the gate holds by HTTP too`() async throws {
    let context = try Desk(["market.venue": "binance"]).context()
    let shelf = Shelf(context: context, folder: try TemporaryFolder())
    let service = try Service(context)
    try shelf.register("weak", treeCount: 2, isGatePassed: false)
    try shelf.register("made-up", treeCount: 3, isSynthetic: true)
    #expect(try await service.refusal("/v1/models/weak/promote").hasPrefix("409 gate_refused: “weak” cannot go"))
    #expect(try await service.refusal("/v1/models/weak/promote").contains("no skill"))
    #expect(try await service.refusal("/v1/models/made-up/promote").hasPrefix("409 synthetic"))
    #expect(try await service.refusal("/v1/models/nobody/promote").hasPrefix("404 unknown_version"))
    #expect(try context.registry.state().version(.production, shelf.slot) == nil)
    await service.server.stop()
  }
}

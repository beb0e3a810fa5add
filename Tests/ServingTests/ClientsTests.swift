import FoundationEssentials
import Market
import Models
import Operations
import Serving
import TestSupport
import Testing
import Transport

import class Foundation.Bundle

/// Programs of others that speak to the server by what is published.
@Suite(.timeLimit(.minutes(Soak.minutes(10)))) struct ClientsTests {
  private struct Triton: Decodable {
    struct Input: Decodable, Equatable {
      let name: String
      let datatype: String
      let shape: [Int]
    }

    struct Answer: Decodable {
      let values: [Double]
      let names: [String]
    }

    let live: Bool
    let ready: Bool
    let model_ready: Bool
    let version_ready: Bool
    let stranger_ready: Bool
    let server: String
    let inputs: [Input]
    let answers: [String: Answer]
    let refusal: String?
  }

  private struct Checked: Decodable {
    let status: Int
    let output: String
  }

  private static func run<Report: Decodable>(_ client: String, _ server: HTTPServer, _ argument: String) async throws
    -> Report
  {
    let set = ProcessInfo.processInfo.environment
    let cache =
      set["CANDLECAST_CACHE"] ?? set["XDG_CACHE_HOME"].map { $0 + "/candlecast" }
      ?? (set["HOME"] ?? "") + "/.cache/candlecast"
    let python = cache + "/clients/bin/python"
    try #require(
      FileManager.default.fileExists(atPath: python), "\(python) is not there: run `make setup`, which puts it there")
    let script = try #require(Bundle.module.resourceURL).appending(path: "clients.py").path
    let folder = try TemporaryFolder()
    var child = ChildProcess(
      executable: python, arguments: ["-I", script, client, "http://127.0.0.1:\(server.port)", argument])
    child.environment = ["HOME": folder.path, "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"]
    let run = child
    let (outcome, output, errors) = try await onOwnThread {
      var (output, errors) = ("", "")
      let outcome = try run.run(shouldStop: { false }) { stream, line in
        if stream == .output { output += line } else { errors += line + "\n" }
      }
      return (outcome, output, errors)
    }
    try #require(outcome.ending == .exited(0), "\(client) ended with \(outcome.ending) and said:\n\(errors)")
    return try JSONDecoder().decode(Report.self, from: Data(output.utf8))
  }

  @Test func `a client of the Open Inference Protocol gets what the models say`() async throws {
    let models = try SampleModels()
    let server = try Asking(Route.openInference(models.served, version: "1", ready: {})).server
    let vectors = (0..<4).map { seed in SampleModels.vector(seed: seed).map { $0.isNaN ? 0 : $0 } }
    let windows = (0..<4).map { WindowState(minutesLeft: $0 + 1, moveBasisPoints: Double($0) * 3 - 4) }
    let pairs = windows.map { [Double($0.minutesLeft), $0.moveBasisPoints] }
    let seen: Triton = try await Self.run("triton", server, #"{"rows":\#(vectors),"windows":\#(pairs)}"#)
    #expect(seen.live && seen.ready && seen.model_ready && seen.version_ready && !seen.stranger_ready)
    #expect(seen.server == "candlecast" && seen.refusal == "422")
    #expect(
      seen.inputs == [
        .init(name: "features", datatype: "FP32", shape: [-1, vectors[0].count]),
        .init(name: "window", datatype: "FP64", shape: [-1, 2]),
      ])
    for (target, states) in [
      (SampleModels.direction, [WindowState?](repeating: nil, count: 4)), (SampleModels.window, windows),
    ] {
      var bundle = try #require(models.bundles[target])
      let truth = zip(vectors, states).map { bundle.predict($0, window: $1).modelA?.value ?? .nan }
      for kind in ["json", "binary"] {
        let answer = try #require(seen.answers["\(target) \(kind)"])
        #expect(answer.values == truth && answer.names == ["ModelA", "ModelA", "ModelA", "ModelA"])
      }
    }
  }

  @Test func `the handlers keep what the description promises`() async throws {
    let models = try SampleModels()
    let registry = Registry(path: models.folder.path + "/models")
    let candles = RandomWalk()(seed: 5, count: 50)
    let store = try ListingTests.store(of: candles)
    let board = FeatureBoard()
    board.note(FeatureMoment(time: candles[49].closeTime, vector: SampleModels.vector(seed: 1)))
    let routes =
      [
        .health { ["status": "healthy"] }, .live, .ready {}, .metrics { "# HELP a b\n# TYPE a gauge\na 1\n" },
        .predict(models.served), .models(of: registry, venue: .binance), .explain { _ in nil },
        .features(of: models.served, board, from: store) { candles[49].closeTime },
      ] + Route.data(of: SampleModels.view, from: store)
      + Route.openInference(models.served, version: "1", ready: {})
      + Route.promotions(of: SampleModels.view, preset: SampleModels.direction) { change in
        switch change {
        case .promote(let name): throw RegistryError.unknownVersion(name)
        case .rollback(let slot): throw RegistryError.nothingToRollBackTo(slot: slot)
        }
      }
    let server = try Asking(routes + [.description(of: routes, version: "1")]).server
    let seed = UInt32.random(in: 0...UInt32.max)
    let checked: Checked = try await Self.run("schemathesis", server, "\(Soak.count(8)),\(seed)")
    #expect(checked.status == 0, "seed \(seed):\n\(checked.output)")
  }
}

import FoundationEssentials
import Market
import Testing

@testable import candlecast

struct InferenceLogTests {
  private func prediction(_ time: String, up: Double?, confidence: Double?, _ name: ModelName) throws -> Prediction {
    let time = try #require(Timestamp(time))
    return Prediction(
      time: time, availableAt: time, view: MarketView(price: Series(.binance, .btcusdt)),
      target: .direction(horizonMinutes: 15), probabilityUp: up, confidence: confidence, modelName: name, version: "v",
      featureSetHash: "", inputHash: 0, state: "fresh", reason: "", mode: .live, latencyNanoseconds: 0)
  }

  @Test func `has the header once and a line for each answer`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "candlecast-inference-\(UUID().uuidString)")
      .path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let up = try prediction("2026-01-06T11:07:00Z", up: 0.63, confidence: 0.63, .a)
    let down = try prediction("2026-01-06T11:08:00Z", up: 0.491, confidence: 0.509, .ensemble)
    let silent = try prediction("2026-01-06T11:09:00Z", up: nil, confidence: nil, .a)
    for rows in [[up, silent], [down], [silent]] {
      try InferenceLog(folder: folder).append(rows)
    }
    let text = String(decoding: try Data(contentsOf: URL(filePath: folder + "/inference.log")), as: UTF8.self)
    #expect(
      text == """
        timestamp,direction,confidence,model_name
        2026-01-06T11:07:00Z,UP,0.63,ModelA
        2026-01-06T11:08:00Z,DOWN,0.509,Ensemble

        """)
  }

  @Test func `a folder that cannot be made is an error`() {
    let log = InferenceLog(folder: "/dev/null/logs")
    #expect(throws: (any Error).self) { try log.append([]) }
  }
}

import FoundationEssentials
import Market
import Testing

struct TextCodableTests {
  struct Values: Codable, Equatable {
    var time = Timestamp("2024-03-01T12:30:05.123456Z")!
    var view = MarketView("chainlink:BTC/USD+binance:BTCUSDT")!
    var target = PredictionTarget.window(lengthMinutes: 60)
  }

  @Test func `values are legible texts in JSON`() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(Values()), as: UTF8.self)
    #expect(
      text == """
        {"target":"window-1h","time":"2024-03-01T12:30:05.123456Z","view":"chainlink:BTC/USD+binance:BTCUSDT"}
        """)
    #expect(try JSONDecoder().decode(Values.self, from: Data(text.utf8)) == Values())
  }

  @Test func `targets between candles are read, and stand in a list of their own`() {
    let target = PredictionTarget.move(horizonSeconds: 60)
    #expect(PredictionTarget("move-60s") == target && target.description == "move-60s")
    #expect(PredictionTarget.ofTicks == [target] && !PredictionTarget.all.contains(target))
    #expect(target.isOfTicks && !target.isBinary && !target.isWindow)
    #expect(target.horizonMinutes == 1 && target.horizonSeconds == 60)
    #expect(PredictionTarget.all.allSatisfy { PredictionTarget($0.description) == $0 && !$0.isOfTicks })
    #expect(PredictionTarget("move-61s") == nil)
  }

  @Test func `windows that are not over are read, and are not learnt`() {
    let targets = PredictionTarget.openWindows
    #expect(targets.map(\.description) == ["window-open-5m", "window-open-15m"])
    #expect(
      targets.allSatisfy { PredictionTarget($0.description) == $0 && $0.isOfTicks && $0.isBinary && !$0.isWindow })
    #expect(targets.allSatisfy { !PredictionTarget.learnable.contains($0) })
    #expect(targets.map(\.horizonMinutes) == [5, 15])
    #expect(PredictionTarget("window-open-1h") == nil)
  }

  @Test(arguments: [("window-1h", "window-1d"), ("2024-03-01", "2024-03-32"), ("BTC/USD", "btc")])
  func `a text that the type does not read is refused`(from: String, to: String) throws {
    let text = String(decoding: try JSONEncoder().encode(Values()), as: UTF8.self).replacing("\\/", with: "/")
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Values.self, from: Data(text.replacing(from, with: to).utf8))
    }
  }
}

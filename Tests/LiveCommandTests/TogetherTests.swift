import Ingestion
import Market
import Operations
import Storage
import Tape
import TestSupport
import Testing
import Transport
import VenueSimulator
import Venues

@testable import candlecast

/// All kinds of venue at once, from one simulator.
struct TogetherTests {
  private static let view = MarketView("sim-chainlink:BTC/USD+sim-binance:BTCUSDT")!
  private static let knobs = [
    "market.view": "\(view)", "market.venues": "sim-binance-us,sim-coinbase,sim-bybit", "ingest.limit": "3",
  ]

  @Test(.timeLimit(.minutes(Soak.minutes(5))), arguments: ["data-streams", "rtds"])
  func `five venues are stored as simulated ones, and the view's predictions play back to the same bits`(
    source: String
  ) async throws {
    let desk = try Desk(
      try Exchange.calm.get().knobs.merging(Self.knobs) { $1 }.merging(["chainlink.source": source]) { $1 })
    let context = try desk.context()
    var options = LiveSession.Options(service: context.configuration)
    options.servesHealth = false
    let result = try await Watch.run(context, options) { status in
      guard let facts = status.current else { return false }
      return facts.series.count == 5 && facts.series.allSatisfy { $0.counts.live > 0 }
        && facts.predictions.values.reduce(0, +) > 1
    }
    #expect(result.report.feeds.map(\.venue.name).allSatisfy { $0.hasPrefix("sim-") })
    #expect(Set(result.report.feeds.map(\.venue.name)).count == 5)

    let replayed = try RecordingReplay(
      context: context, path: desk.folder.path + "/tape", destination: nil, history: .duckDB(path: desk.storePath)
    ).run()
    #expect(replayed.fingerprint == result.fingerprint && replayed.predictions == result.predictions)

    let store = try DuckDBStore(path: desk.storePath)
    let stored = try store.status()
    #expect(stored.count == 5 && stored.allSatisfy { $0.series.venue.isSimulated })
    #expect(try store.ledgerSummaries().allSatisfy { $0.series.venue.isSimulated })
    #expect(try store.oracleSummaries().map(\.series) == [Self.view.price])
    let predictions = try store.predictions()
    #expect(predictions.count == result.predictions && !predictions.isEmpty)
    #expect(predictions.allSatisfy { $0.view == Self.view })
    #expect(Set(predictions.map(\.target)).isSuperset(of: PredictionTarget.openWindows))
  }
}

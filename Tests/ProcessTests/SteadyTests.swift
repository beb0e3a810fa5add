import Glibc
import Market
import Storage
import TestSupport
import Testing

/// A day of a real program within minutes.
@Suite(.serialized) struct SteadyTests {
  private struct Sample {
    /// Private memory without the store's pages, in KiB.
    let memory: Int
    let files: Int
    let threads: Int

    init?(_ live: LiveProgram) async throws {
      let metrics = try await live.metrics()
      guard let own = live.program.status("RssAnon"), let threads = live.program.status("Threads"),
        let pages = metrics["candlecast_store_memory_bytes"]
      else { return nil }
      memory = own - Int(pages / 1024)
      (files, self.threads) = (live.program.openFiles, threads)
    }
  }

  /// A day with `CANDLECAST_SOAK=1`, two hours otherwise.
  @Test func `memory, files and threads stay as they are after the warm-up`() async throws {
    let (hours, speed) = Soak.isOn ? (24, 400) : (2, 600)
    let rehearsal = try await Rehearsal(
      Rehearsal.candles(hours: 48 + hours, tradesAMinute: Soak.isOn ? 200 : 40), speed: speed, streamedHours: hours + 1)
    // At its rate in real time; hundreds of predictions a second are nothing that a feed has.
    let interval = 1.5 * Double(speed) / 20
    let live = try rehearsal.live(
      in: try TemporaryFolder(), environment: ["PREDICTION_INTERVAL_SECONDS": "\(interval)"])
    try await live.untilCaughtUp()
    let start = ContinuousClock.now
    let length = Duration.seconds(Double(hours) * 3600 / Double(speed))
    var samples: [Sample] = []
    while ContinuousClock.now - start < length {
      try await Task.sleep(for: .milliseconds(200))
      if let sample = try await Sample(live) { samples.append(sample) }
    }
    // The medians of the second quarter and of the last.
    let quarter = samples.count / 4
    func median(_ part: ArraySlice<Sample>, _ value: (Sample) -> Int) -> Int {
      part.map(value).sorted()[part.count / 2]
    }
    let (early, late) = (samples[quarter..<2 * quarter], samples[(3 * quarter)...])
    let growth = median(late, \.memory) - median(early, \.memory)
    print(
      "\(hours) h at \(speed)x: memory \(median(early, \.memory)) -> \(median(late, \.memory)) KiB beside the store's "
        + "pages, files \(median(early, \.files)) -> \(median(late, \.files)), threads "
        + "\(median(early, \.threads)) -> \(median(late, \.threads)), resident \(live.program.status("VmRSS") ?? 0) KiB"
    )
    #expect(growth < 2048)
    // Fewer is no leak: connections that nobody needs are closed in time.
    #expect(median(late, \.files) <= median(early, \.files) + 2)
    #expect(median(late, \.threads) <= median(early, \.threads) + 1)
    #expect(try await live.stop().ending == .exited(0))
  }
}

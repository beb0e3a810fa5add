import Glibc
import Market
import Storage
import TestSupport
import Testing

/// Days of a real program within minutes.
struct SteadyTests {
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

  /// What is done meanwhile, and for how long.
  private struct Course {
    let hours: Int
    let speed: Int
    var mostTradesAMinute = 200
    /// Between candles, of the feed's time.
    let secondsBetweenPredictions: Double
    /// Where each target is answered by a version.
    var hasVersions = false

    var length: Duration { .seconds(Double(hours) * 3600 / Double(speed)) }

    func rehearsal() async throws -> Rehearsal {
      try await Rehearsal(
        Rehearsal.candles(hours: 48 + hours, tradesAMinute: mostTradesAMinute), speed: speed, streamedHours: hours + 1)
    }

    func live(_ rehearsal: Rehearsal) throws -> LiveProgram {
      let folder = try TemporaryFolder()
      if hasVersions {
        for target in [PredictionTarget.direction(horizonMinutes: 15), .window(lengthMinutes: 15)] {
          try KillTests.register(in: folder, target: target)
        }
      }
      return try rehearsal.live(
        in: folder, environment: ["PREDICTION_INTERVAL_SECONDS": "\(secondsBetweenPredictions)"])
    }
  }

  /// With `CANDLECAST_SOAK=1` the fourth day beside the third, after two whose nights have seen every job; two hours otherwise.
  @Test func `memory, files and threads stay as they are after the warm-up`() async throws {
    // Hundreds of predictions a second are nothing that a feed has.
    try await expectSteady(
      Soak.isOn
        ? Course(hours: 96, speed: 400, secondsBetweenPredictions: 30)
        : Course(hours: 2, speed: 600, mostTradesAMinute: 40, secondsBetweenPredictions: 60))
  }

  @Test(.enabled(if: Soak.isOn, "it takes an hour"))
  func `they do for an hour with everything on`() async throws {
    let resident = try await expectSteady(
      Course(hours: 60, speed: 60, secondsBetweenPredictions: 1.5, hasVersions: true))
    #expect(resident <= 150 * 1_000_000 / 1024, "\(resident) KiB, more than 150 MB of a million bytes")
  }

  /// - Returns: what is resident at the end, in KiB.
  @discardableResult
  private func expectSteady(_ course: Course) async throws -> Int {
    let rehearsal = try await course.rehearsal()
    let live = try course.live(rehearsal)
    try await live.untilCaughtUp()
    let start = ContinuousClock.now
    var samples: [Sample] = []
    while ContinuousClock.now - start < course.length {
      try await Task.sleep(for: .milliseconds(200))
      if let sample = try await Sample(live) { samples.append(sample) }
    }
    let quarter = samples.count / 4
    let (early, late) = (samples[2 * quarter..<3 * quarter], samples[(3 * quarter)...])
    func median(_ part: ArraySlice<Sample>, _ value: (Sample) -> Int) -> Int {
      part.map(value).sorted()[part.count / 2]
    }
    // What is held at rest: at this speed a job of the night, which takes memory for its time, lasts for hours.
    func lowestTenth(_ part: ArraySlice<Sample>) -> Int { part.map(\.memory).sorted()[part.count / 10] }
    let growth = lowestTenth(late) - lowestTenth(early)
    let resident = live.program.status("VmRSS") ?? 0
    print(
      "\(course.hours) h at \(course.speed)x: memory \(lowestTenth(early)) -> \(lowestTenth(late)) KiB "
        + "beside the store's pages, files \(median(early, \.files)) -> \(median(late, \.files)), threads "
        + "\(median(early, \.threads)) -> \(median(late, \.threads)), resident \(resident) KiB")
    #expect(growth < 2048)
    // Fewer is no leak: connections that nobody needs are closed in time.
    #expect(median(late, \.files) <= median(early, \.files) + 2)
    #expect(median(late, \.threads) <= median(early, \.threads) + 1)
    #expect(try await live.stop().ending == .exited(0))
    return resident
  }
}

import Ingestion
import Market
import Platform
import Transport
import Venues

/// Finds the clock of a live feed: the machine's own, or that of the simulator it is fed by.
struct ClockSource {
  private static let questions = 5

  let catalogue: VenueCatalogue
  let http: HTTPClient

  func clock(of venues: [Venue]) async throws -> PipelineClock {
    guard let simulated = venues.first(where: \.isSimulated) else { return .wall }
    guard venues.allSatisfy(\.isSimulated) else {
      throw CommandError(
        .wrongUsage,
        "\(venues.map(\.name).joined(separator: ", ")): a simulator's clock is not the venues', so they cannot run together"
      )
    }
    var endpoints = try catalogue.endpoints(try catalogue.interface(of: simulated)).rest
    for _ in 1..<endpoints.count {
      let address = endpoints.current
      if let clock = try? await clock(at: address) { return clock }
      endpoints.failed(address)
    }
    return try await clock(at: endpoints.current)
  }

  /// Of a few answers the quickest: a moment's delay is a long time on a clock that runs fast.
  private func clock(at base: String) async throws -> PipelineClock {
    var best = try await reading(at: base)
    for _ in 1..<Self.questions {
      let next = try await reading(at: base)
      if next.tripNanoseconds < best.tripNanoseconds { best = next }
    }
    return best.clock
  }

  private func reading(at base: String) async throws -> (clock: PipelineClock, tripNanoseconds: Int64) {
    let url = Self.root(of: base) + "/sim/clock"
    let asked = SystemClock.wallNanoseconds()
    let answer: HTTPAnswer
    do { answer = try await http.send(HTTPRequest(url: url, timeoutSeconds: 5)) } catch {
      throw CommandError(
        .unreachable,
        "no simulator answers at \(url): \(error); start one with `candlecast simulate`, or take sim- off the venue")
    }
    let trip = SystemClock.wallNanoseconds() - asked
    guard answer.status == 200, let clock = SimulatorClock(answer.body) else {
      throw CommandError(
        .unreachable, "\(url) answered with status \(answer.status) and no simulator's clock; is that a real venue?")
    }
    let origin = Timestamp(microseconds: clock.timeMicroseconds)
    return (PipelineClock(origin: origin, at: asked + trip / 2, speed: clock.speed), trip)
  }

  /// Scheme, host and port, with `http` for `ws`.
  private static func root(of address: String) -> String {
    let url = address.hasPrefix("ws") ? "http" + address.dropFirst(2) : address
    let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    return parts.prefix(3).joined(separator: "/")
  }
}

/// What a simulator says of its clock.
private struct SimulatorClock {
  var timeMicroseconds: Int64 = 0
  var speed = 0.0

  init?(_ body: [UInt8]) {
    do throws(VenueError) {
      try body.withUnsafeBufferPointer { bytes throws(VenueError) in
        var scanner = JSONScanner(bytes)
        try scanner.object { scanner, key throws(VenueError) in
          switch key {
          case "time_us": timeMicroseconds = try scanner.integer()
          case "speed": speed = try scanner.decimal().doubleValue
          default: try scanner.skip()
          }
        }
      }
    } catch {
      return nil
    }
    guard timeMicroseconds > 0, speed > 0 else { return nil }
  }
}

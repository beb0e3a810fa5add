import FoundationEssentials
import Market
import Operations
import Storage

/// The whole program shown on one machine: what a simulator of its own sends is stored, predicted on and served, and a
/// version is trained meanwhile.
struct Demo {
  /// Of recorded candles, at the usual speed in 24 minutes.
  private static let streamed = (text: "1d", microseconds: 1440 * Timestamp.microsecondsPerMinute)

  let context: CommandContext
  /// A multiple of real time, such as `60x`.
  let speed: String

  /// Until the recorded day is over, or it is stopped.
  func run(_ options: LiveSession.Options) throws -> LiveSession.Result {
    let place = try DemoPlace(context)
    let data = try DemoData(context.installation, symbol: context.view.price.symbol.name)
    var own = context
    own.ownStateFolder = place.folder
    // A port that is taken is found before the old store goes.
    let server = try LiveServer(own, options)
    if try place.clear(context) { own.output.line("the demonstration's store begins anew: \(place.path)") }
    let simulator = try simulator(data)
    defer { simulator.stop() }
    guard let announcement = simulator.announcement else { throw CommandError(.failed, "the simulator says nothing") }
    own.configuration = try context.configuration.setting(Self.flags(announcement.endpoints))
    own.output.line(
      "simulated: \(data.path) moved to now, \(announcement.start) to \(announcement.end) at \(speed)")
    let training = try DemoTraining(
      own, data: data.path, folder: place.folder + "/training", streamedMicroseconds: Self.streamed.microseconds)
    defer { training.stop() }
    let result = try session(own, options, simulator, server)
    try tell(simulator)
    return result
  }

  private func simulator(_ data: DemoData) throws -> DemoSimulator {
    try DemoSimulator(
      ChildProcess(
        executable: context.installation.program,
        arguments: [
          "simulate", "--data", data.path, "--port", "0", "--json", "--speed", speed, "--stream-last",
          Self.streamed.text, "--seed", "\(context.seed)",
        ], environment: context.childEnvironment))
  }

  private func session(
    _ own: CommandContext, _ options: LiveSession.Options, _ simulator: DemoSimulator, _ server: LiveServer
  ) throws -> LiveSession.Result {
    var options = options
    options.isStopRequested = { [isStopRequested = options.isStopRequested] in
      simulator.ending != nil || isStopRequested()
    }
    let session = LiveSession(own, options)
    return try Blocking.run { try await session.run(serving: server) }
  }

  private func tell(_ simulator: DemoSimulator) throws {
    guard let ending = simulator.ending, !context.isStopRequested else { return }
    switch ending {
    case .whole: context.output.line("the recorded day is over; the same command plays it again")
    case .early(let reason): throw CommandError(.failed, "the simulator ended before its data did: \(reason)")
    }
  }

  /// The knobs that variables stand for.
  private static func flags(_ endpoints: [String: String]) -> [Configuration.Flag] {
    KnobTable.all.flatMap { knob in
      ([knob.environmentName] + knob.seedNames.map(\.name)).compactMap { name in
        endpoints[name].map { Configuration.Flag(key: knob.key, name: "--demo", text: $0) }
      }
    }
  }
}

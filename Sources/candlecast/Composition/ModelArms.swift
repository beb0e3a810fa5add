import Ingestion
import Market
import Models
import Operations
import Pipeline

/// The versions that `inference.arms` sets beside those that answer, loaded, and found fit to be there.
struct ModelArms {
  private struct Choice {
    let name: VersionName
    let target: PredictionTarget
    /// `nil` is a shadow.
    let share: Double?
    let reason: String
  }

  /// At closes.
  let served: [(target: PredictionTarget, arms: [ServedArm<ServedVersion>])]
  /// Between them.
  let ticks: [ServedArm<ServedTickVersion>]
  /// As a recording has them.
  let recorded: [LiveStart.Arm]

  init(_ context: CommandContext, _ view: MarketView) throws {
    let choices = try Self.choices(context, view)
    recorded = choices.map {
      LiveStart.Arm(target: $0.target, version: $0.name.description, share: $0.share, reason: $0.reason)
    }
    served = try PredictionTarget.all.compactMap { target in
      let arms = try Self.arms(of: target, choices) { name, standing in
        try context.version(name, view, target, standing: standing)
      }
      return arms.isEmpty ? nil : (target, arms)
    }
    let target = TickDecisions.target
    ticks = try Self.arms(of: target, choices) { try context.tickVersion($0, view, target, $1) }
  }

  private static func arms<Version>(
    of target: PredictionTarget, _ choices: [Choice], _ load: (String, ServedVersion.Standing) throws -> Version
  ) throws -> [ServedArm<Version>] {
    let chosen = choices.filter { $0.target == target }
    let total = chosen.compactMap(\.share).reduce(0, +)
    guard total <= 1 + roundingError else {
      throw refused("gives the versions of \(target) shares of \(total.rounded(digits: 6)) together; at most 1")
    }
    return try zip(chosen, ArmLine.parts(of: chosen.map(\.share))).map { choice, part in
      do {
        let version = try load(choice.name.description, .unpromoted(reason: choice.reason))
        return ServedArm(part: part, version: version)
      } catch {
        throw refused("names \(choice.name), which cannot be loaded: \(error)", .badData)
      }
    }
  }

  /// Ten tenths are a little more than one.
  private static let roundingError = 1e-9

  /// For the log.
  var sentences: [String] {
    recorded.map { arm in
      arm.share.map { "\(arm.version) serves \($0) of the decisions of \(arm.target)" }
        ?? "\(arm.version) answers for \(arm.target) as a shadow: stored, and told to nobody"
    }
  }

  private static func choices(_ context: CommandContext, _ view: MarketView) throws -> [Choice] {
    guard case .list(let items)? = context.configuration["inference.arms"], !items.isEmpty else { return [] }
    let state = try context.registry.state()
    var seen = Set<VersionName>()
    return try items.map { item in
      let parts = item.split(separator: "=").map(String.init)
      guard let name = VersionName(parts[0]) else { throw refused("names \(parts[0]), which is no version's name") }
      guard seen.insert(name).inserted else { throw refused("names \(name) twice") }
      guard let record = state.versions[name] else {
        throw refused("names \(name), and no such version is registered; `models list` shows those that are")
      }
      return try choice(name, record, share: Double(parts[1]), view)
    }
  }

  private static func choice(
    _ name: VersionName, _ record: RegistryState.Record, share: Double?, _ view: MarketView
  ) throws -> Choice {
    let (slot, facts) = (record.slot, record.facts)
    guard slot.view == view else { throw refused("names \(name), which is for \(slot.view), and \(view) is followed") }
    guard !record.isArchived else { throw refused("names \(name), which is archived") }
    guard !facts.isSynthetic || view.isSimulated else {
      throw refused("names \(name), which was trained on synthetic data and answers for a simulator alone")
    }
    guard share == nil || facts.gate.isPassed || view.isSimulated else {
      throw refused("gives a share to \(name), which the gate refused (\(facts.gate.reason)); let it be a shadow")
    }
    let reason = facts.gate.isPassed ? "not in production" : facts.gate.reason
    return Choice(name: name, target: slot.target, share: share, reason: reason)
  }

  private static func refused(_ sentence: String, _ code: ExitCode = .wrongUsage) -> CommandError {
    CommandError(code, "inference.arms " + sentence)
  }
}

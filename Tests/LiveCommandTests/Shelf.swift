import Features
import FoundationEssentials
import Market
import Models
import Pipeline
import Platform
import TestSupport

@testable import candlecast

/// Made versions in a desk's registry.
struct Shelf {
  let context: CommandContext
  let folder: TemporaryFolder
  var target = PredictionTarget.direction(horizonMinutes: 15)

  var slot: RegistrySlot { RegistrySlot(context.view, target) }

  /// Versions of different sizes predict differently.
  @discardableResult
  func register(
    _ name: String, treeCount: Int, isFitting: Bool = true, isSynthetic: Bool = false, isGatePassed: Bool = true
  ) throws -> VersionName {
    let set = FeatureSet.of(context.view)
    let columns = MadeVersion.Columns(
      hash: isFitting ? set.hash.description : "beef", names: set.names,
      model: set.modelColumns.map { set.names[$0] },
      sequence: set.sequenceColumns.map { set.names[$0] })
    let made = MadeVersion(
      target: target, name: name, view: context.view, columns: columns, treeCount: treeCount, depth: 3,
      isSynthetic: isSynthetic,
      gate: GateVerdict(isPassed: isGatePassed, reason: isGatePassed ? "skill above zero" : "no skill"))
    let staging = folder.path + "/staging"
    try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
    return try context.registry.register(
      staged: try made.write(in: staging), at: SystemClock.now(), who: "test", why: "made")
  }

  /// One that answers between closes; those of different deviations are sure to a different degree.
  @discardableResult
  func registerTicks(_ name: String, deviation: Double) throws -> VersionName {
    let made = MadeTickVersion(
      name: name, view: context.view, inputsHash: TickInputs.hash.description, inputNames: TickInputs.names,
      residualDeviation: deviation)
    let staging = folder.path + "/staging"
    try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
    return try context.registry.register(
      staged: try made.write(in: staging), at: SystemClock.now(), who: "test", why: "made")
  }

  func promote(_ name: VersionName) throws {
    try context.registry.promote(name, at: SystemClock.now(), who: "test", why: "test")
  }
}

import Market
import Models
import Operations
import Platform
import Serving

/// Changes the registry for somebody who asks by HTTP.
struct RegistryDesk: Sendable {
  /// As the journal names who asked.
  private static let who = "api"

  let context: CommandContext

  func make(_ change: RegistryChange) async throws -> VersionName {
    guard context.modelsMirror == nil else {
      throw APIFailure(409, "read_only_models", "this process only reads its models; change them where they come from")
    }
    return try await DedicatedThread.run { try perform(change) }
  }

  private func perform(_ change: RegistryChange) throws -> VersionName {
    do {
      let name = try version(after: change)
      context.log.write(.info, "models", "\(name) is in production, as was asked for by HTTP")
      return name
    } catch {
      context.log.write(.warning, "models", "a change that was asked for by HTTP is refused: \(error)")
      throw error
    }
  }

  private func version(after change: RegistryChange) throws -> VersionName {
    switch change {
    case .promote(let name):
      try context.registry.promote(
        name, at: context.now(), who: Self.who, why: "POST /v1/models/\(name)/promote")
      return name
    case .rollback(let slot):
      return try context.registry.rollback(slot, at: context.now(), who: Self.who, why: "POST /v1/models/rollback")
    }
  }
}

package import Market
package import Models
internal import Operations
internal import Transport

/// What changes which version is in production.
package enum RegistryChange: Hashable, Sendable {
  case promote(VersionName)
  case rollback(RegistrySlot)
}

extension Route {
  /// For admins alone. Whoever serves notices the change as it does one by the command.
  ///
  /// - Parameters:
  ///   - view: of the running pipeline.
  ///   - preset: the target that is rolled back where none is named.
  ///   - change: makes a change and gives the version that is in production then; throws `RegistryError` or `APIFailure`.
  package static func promotions(
    of view: MarketView, preset: PredictionTarget,
    _ change: @escaping @Sendable (RegistryChange) async throws -> VersionName
  ) -> [Route] {
    let targets = PredictionTarget.learnable
    return [
      Route(
        "POST", "/v1/models/{version}/promote",
        "Puts a version into production if its gate lets it; needs the admin's token.",
        schema: schema, scope: .admin,
        answer: .later { request throws(APIFailure) in
          let text = request.places["version"] ?? ""
          guard let name = VersionName(text) else {
            throw .unknownVersion(
              "“\(text.shortened)” is no version's name; /v1/models lists those that are registered")
          }
          return try await answer(.promote(name), change)
        }),
      Route(
        "POST", "/v1/models/rollback",
        "Puts the version back that was in production before; needs the admin's token.",
        parameters: [Parameter("target", .choice(targets.map(\.description)), "default: \(preset)")],
        schema: schema, scope: .admin,
        answer: .later { request throws(APIFailure) in
          let target = try request.target("target") ?? preset
          return try await answer(.rollback(RegistrySlot(view, target)), change)
        }),
    ]
  }

  private static let schema: JSONValue = [
    "type": "object", "required": ["production"], "properties": ["production": ["type": "string"]],
  ]

  private static func answer(
    _ wanted: RegistryChange, _ change: @Sendable (RegistryChange) async throws -> VersionName
  ) async throws(APIFailure) -> ServerResponse {
    do {
      return .json(["production": .text(try await change(wanted).description)])
    } catch let failure as APIFailure {
      throw failure
    } catch let error as RegistryError {
      throw APIFailure(error)
    } catch {
      throw .unavailable("the registry cannot be changed now; the log says why")
    }
  }
}

extension APIFailure {
  fileprivate static func unknownVersion(_ message: String) -> APIFailure {
    APIFailure(404, "unknown_version", message)
  }

  /// No path of this machine is told.
  fileprivate init(_ error: RegistryError) {
    switch error {
    case .unknownVersion(let name):
      self = .unknownVersion("no version “\(name)” is registered; /v1/models lists those that are")
    case .badReference, .noAlias, .otherSlot: self = .unknownVersion("\(error)")
    case .gateRefused(let name, let reason):
      self.init(
        409, "gate_refused",
        "“\(name)” cannot go to production: \(reason); only the command goes against the gate, with --force")
    case .synthetic: self.init(409, "synthetic", "\(error)")
    case .archived: self.init(409, "archived", "\(error)")
    case .alreadyInProduction: self.init(409, "already_in_production", "\(error)")
    case .nothingToRollBackTo: self.init(409, "nothing_to_roll_back_to", "\(error)")
    case .inProduction, .alreadyRegistered: self.init(409, "refused", "\(error)")
    case .version, .differs:
      self.init(
        409, "version_damaged", "its files are not those that were registered; `candlecast models show` says why")
    case .damaged:
      self.init(409, "registry_damaged", "the registry cannot be read; `candlecast models list` says why")
    case .locked: self = .busy("another process is changing the registry; come again")
    case .file: self = .unavailable("the registry cannot be written now; the log says why")
    }
  }
}

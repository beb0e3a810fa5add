internal import Market

/// `registry.json`: the state for readers who do not want to fold the journal. Derived, never the truth.
struct RegistryFile: Codable, Equatable {
  static let currentSchema = 1

  var schema = currentSchema
  var name = Registry.modelName
  /// How many lines of the journal it stands for.
  var entries: Int
  var aliases: [Slot]
  var versions: [Version]

  struct Slot: Codable, Equatable {
    var view: MarketView
    var target: PredictionTarget
    var latest: VersionName?
    var candidate: VersionName?
    var production: VersionName?
  }

  struct Version: Codable, Equatable {
    var name: VersionName
    var view: MarketView
    var target: PredictionTarget
    var registered: Timestamp
    var digest: String
    var isSynthetic: Bool
    var isGatePassed: Bool
    var isArchived: Bool
  }

  init(_ state: RegistryState, entries: Int) {
    self.entries = entries
    aliases = state.aliases.map { slot, aliases in
      Slot(
        view: slot.view, target: slot.target, latest: aliases.latest, candidate: aliases.candidate,
        production: aliases.production)
    }.sorted { ($0.view.description, $0.target.description) < ($1.view.description, $1.target.description) }
    versions = state.order.compactMap { name in
      state.versions[name].map { record in
        Version(
          name: name, view: record.slot.view, target: record.slot.target, registered: record.registeredAt,
          digest: record.facts.digest, isSynthetic: record.facts.isSynthetic,
          isGatePassed: record.facts.gate.isPassed, isArchived: record.isArchived)
      }
    }
  }
}

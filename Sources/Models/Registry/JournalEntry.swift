package import Market

/// The names under which a version answers for its slot.
package enum RegistryAlias: String, Sendable, CaseIterable, Codable {
  /// The version registered last and not archived.
  case latest
  /// The version that is meant to be next; set for each one that passes the gate.
  case candidate
  case production
}

/// What aliases belong to: one view and one target.
package struct RegistrySlot: Hashable, Sendable, Codable, CustomStringConvertible {
  package let view: MarketView
  package let target: PredictionTarget

  package init(_ view: MarketView, _ target: PredictionTarget) { (self.view, self.target) = (view, target) }

  package var description: String { "\(target)@\(view)" }
}

/// One line of the journal: an operation, and everything needed to repeat it on the state before.
package struct JournalEntry: Hashable, Sendable, Codable {
  package enum Action: String, Sendable, Codable {
    case register, alias, promote, rollback, archive
    /// A promotion against the gate.
    case force
  }

  package let time: Timestamp
  package let action: Action
  package let view: MarketView
  package let target: PredictionTarget
  /// The version that the operation is about; for a rollback the one that is in production after it.
  package let version: VersionName
  /// Which version had the alias before.
  package let previous: VersionName?
  package let who: String
  package let why: String
  /// For `register` only.
  package let registered: Facts?

  package var slot: RegistrySlot { RegistrySlot(view, target) }

  /// What the registry must know of a version, taken from its card.
  package struct Facts: Hashable, Sendable, Codable {
    package let digest: String
    package let isSynthetic: Bool
    package let gate: GateVerdict

    package init(digest: String, isSynthetic: Bool, gate: GateVerdict) {
      (self.digest, self.isSynthetic, self.gate) = (digest, isSynthetic, gate)
    }
  }
}

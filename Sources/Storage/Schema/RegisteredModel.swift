package import Market

/// A row of `model_registry`, which follows the registry's journal.
package struct RegisteredModel: Hashable, Sendable {
  package enum Status: String, Sendable, CaseIterable { case production, candidate, registered, archived }

  package var version: String
  package var view: MarketView
  package var target: PredictionTarget
  package var status: Status
  package var registeredAt: Timestamp
  /// When the journal last spoke of it.
  package var changedAt: Timestamp
  /// Of its folder.
  package var path: String
  package var digest: String
  package var isGatePassed: Bool
  package var gateReason: String
  package var isSynthetic: Bool

  package init(
    version: String, view: MarketView, target: PredictionTarget, status: Status, registeredAt: Timestamp,
    changedAt: Timestamp, path: String, digest: String, isGatePassed: Bool, gateReason: String, isSynthetic: Bool
  ) {
    (self.version, self.view, self.target, self.status) = (version, view, target, status)
    (self.registeredAt, self.changedAt, self.path, self.digest) = (registeredAt, changedAt, path, digest)
    (self.isGatePassed, self.gateReason, self.isSynthetic) = (isGatePassed, gateReason, isSynthetic)
  }
}

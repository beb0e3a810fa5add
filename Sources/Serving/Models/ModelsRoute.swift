package import Market
package import Models
internal import Operations
internal import Synchronization
internal import Transport

extension Route {
  /// Every version of the registry, with what its card says of it.
  ///
  /// - Parameter venue: that of a bare symbol.
  package static func models(of registry: Registry, venue: Venue) -> Route {
    let cards = CardShelf(registry)
    return Route(
      "GET", "/v1/models",
      "Versions of the registry in the order of registration, with aliases and their cards' scores.",
      parameters: [
        Parameter("target", .text, "such as window-15m; all if left out"),
        Parameter("alias", .choice(RegistryAlias.allCases.map(\.rawValue)), "only versions that have it"),
        Parameter("symbol", .series, "price series of the version's view; all if left out"),
        Parameter("from", .time, "first instant of registration; without it, the oldest"),
        Parameter("to", .time, "end, exclusive; without it, the newest"),
        PageRange.limit(preset: PageRange.mostRows),
      ],
      schema: [
        "type": "object", "required": ["name", "rows", "next"],
        "properties": [
          "name": ["type": "string"], "rows": ["type": "array", "items": ["type": "object"]],
          "next": ["type": ["string", "null"]],
        ],
      ],
      answer: .later { request throws(APIFailure) in
        let page = try cards.page(try VersionFilter(request, venue: venue), try PageRange(request))
        return .json([
          "name": .text(Registry.modelName), "rows": .array(page.rows), "next": JSONValue(page.next?.description),
        ])
      })
  }
}

/// What is asked of the registry; `nil` is all.
private struct VersionFilter {
  private let target: PredictionTarget?
  private let series: Series?
  private let alias: RegistryAlias?

  init(_ request: APIRequest, venue: Venue) throws(APIFailure) {
    target = try request.target("target")
    series = request.series("symbol", venue: venue)
    alias = request.text("alias").flatMap { RegistryAlias(rawValue: $0) }
  }

  func has(_ slot: RegistrySlot, _ aliases: [RegistryAlias]) -> Bool {
    target.map { $0 == slot.target } != false && series.map { $0 == slot.view.price } != false
      && alias.map(aliases.contains) != false
  }
}

/// Rows of the registry; a version's card never changes, so it is read once.
private final class CardShelf: Sendable {
  private let registry: Registry
  private let cards = Mutex<[VersionName: JSONValue]>([:])

  init(_ registry: Registry) { self.registry = registry }

  func page(_ filter: VersionFilter, _ page: PageRange) throws(APIFailure) -> Listing {
    let state = try state()
    var listing = Listing(limit: page.limit)
    // The journal's times never fall.
    for name in state.order {
      guard let record = state.versions[name], page.unlimited.contains(record.registeredAt) else { continue }
      let aliases = RegistryAlias.allCases.filter { state.version($0, record.slot) == name }
      guard filter.has(record.slot, aliases) else { continue }
      guard listing.add(record.registeredAt, row(name, record, aliases)) else { break }
    }
    return listing
  }

  private func state() throws(APIFailure) -> RegistryState {
    do {
      return try registry.state()
    } catch {
      throw APIFailure(409, "registry_damaged", "the registry cannot be read; `candlecast models list` says why")
    }
  }

  private func row(_ name: VersionName, _ record: RegistryState.Record, _ aliases: [RegistryAlias]) -> JSONValue {
    [
      "version": .text(name.description), "target": .text(record.slot.target.description),
      "view": .text(record.slot.view.description), "aliases": .array(aliases.map { .text($0.rawValue) }),
      "archived": .boolean(record.isArchived), "registered_at": .text(record.registeredAt.description),
      "synthetic": .boolean(record.facts.isSynthetic), "digest": .text(record.facts.digest),
      "gate": record.facts.gate.json, "card": card(name),
    ]
  }

  private func card(_ name: VersionName) -> JSONValue {
    if let known = cards.withLock({ $0[name] }) { return known }
    guard let card = try? registry.directory(of: name).card() else { return .null }
    let json = card.json
    cards.withLock { $0[name] = json }
    return json
  }
}

extension VersionCard {
  fileprivate var json: JSONValue {
    [
      "created": .text(created.description), "feature_set": .text(layout.featureSetHash),
      "inputs": JSONValue(layout.inputCount), "train_rows": JSONValue(trainRows),
      "dataset": [
        "from": .text(dataset.from.description), "to": .text(dataset.to.description),
        "sha256": .text(dataset.sha256), "rows": JSONValue(dataset.rows),
      ],
      "calibrators": .object(calibratorKinds.sorted { $0.key < $1.key }.map { .init($0.key, .text($0.value)) }),
      "scores": .object(
        scores.sorted { $0.key < $1.key }.map { scope, models in
          .init(scope, .object(models.sorted { $0.key < $1.key }.map { .init($0.key, Self.json($0.value)) }))
        }),
      "notes": .array(notes.map { .text($0) }),
    ]
  }

  private static func json(_ metrics: [String: Estimate]) -> JSONValue {
    .object(metrics.sorted { $0.key < $1.key }.map { .init($0.key, $0.value.json) })
  }
}

extension Estimate {
  fileprivate var json: JSONValue {
    ["value": JSONValue(value), "low": JSONValue(low), "high": JSONValue(high)]
  }
}

extension GateVerdict {
  fileprivate var json: JSONValue {
    [
      "passed": .boolean(isPassed), "reason": .text(reason), "skill": skill?.json ?? .null,
      "baseline": JSONValue(baseline), "warning": JSONValue(warning),
    ]
  }
}

package import Market
internal import Operations
package import Storage
internal import Transport

extension Route {
  /// What the ledger knows of a series' minutes, absent ones above all.
  package static func gaps(of preset: Series, from store: some StoreReading) -> Route {
    .listing(
      "/v1/gaps", "Minutes that are absent, were patched, or are lost, as the ledger has them.", of: preset, from: store
    ) { store, series, page, add in
      for range in try store.ledger(series, .minutes) where !range.state.isLive {
        let times = range.minutes
        guard times.upperBound > page.from ?? .distantPast, times.lowerBound < page.to else { continue }
        try add(times.lowerBound, range.json)
      }
    }
  }

  package static func quality(of preset: Series, from store: some StoreReading) -> Route {
    Route(
      "GET", "/v1/quality", "What went wrong with the data, newest first.",
      parameters: [
        Parameter("symbol", .series, "series (default: \(preset))"),
        Parameter("unresolved", .choice(["true", "false"]), "only what lasts still"),
        Parameter("from", .time, "first instant of creation; without it, the oldest"),
        Parameter("to", .time, "end, exclusive; without it, the newest. Older pages: the `next` of the one before"),
        PageRange.limit(),
      ],
      schema: Listing.schema,
      answer: .later { request throws(APIFailure) in
        let page = try PageRange(request)
        let series = request.series("symbol", venue: preset.venue) ?? preset
        let isUnresolved = request.text("unresolved") == "true"
        let listing = try await store.read { store in
          let events = try store.qualityEvents(series, page, unresolvedOnly: isUnresolved)
          var listing = Listing(limit: page.limit, isDescending: true)
          try listing.fill { add in for event in events { try add(event.createdAt, event.json) } }
          return listing
        }
        return .json(listing.json(of: series))
      })
  }
}

extension LiveStore {
  /// A page and what follows it: reaches beyond the instant of the page's last row, unless there is no more.
  fileprivate func qualityEvents(
    _ series: Series, _ page: PageRange, unresolvedOnly: Bool
  ) throws -> [QualityEvent] {
    var wanted = page.limit + 1
    while true {
      let events = try qualityEvents(series, in: page.unlimited, unresolvedOnly: unresolvedOnly, limit: wanted)
      guard events.count == wanted, events[page.limit - 1].createdAt == events[wanted - 1].createdAt else {
        return events
      }
      wanted *= 2
    }
  }
}

extension LedgerRange {
  fileprivate var minutes: Range<Timestamp> {
    Timestamp(minute: range.lowerBound)..<Timestamp(minute: range.upperBound)
  }

  fileprivate var json: JSONValue {
    [
      "from": .text(minutes.lowerBound.description), "to": .text(minutes.upperBound.description),
      "minutes": .integer(range.upperBound - range.lowerBound), "state": .text(state.word),
      "reason": JSONValue(state.reason), "since": .text(since.description),
    ]
  }
}

extension LedgerState {
  fileprivate var isLive: Bool { if case .live = self { true } else { false } }

  package var word: String {
    switch self {
    case .live: "live"
    case .missing: "missing"
    case .patched: "patched"
    case .lost: "lost"
    }
  }

  /// Why it is lost, or where it was patched from.
  package var reason: String? {
    switch self {
    case .lost(let reason): reason
    case .patched(let source): source
    case .live, .missing: nil
    }
  }
}

extension QualityEvent {
  fileprivate var json: JSONValue {
    [
      "series": .text(series.description), "type": .text(type), "created_at": .text(createdAt.description),
      "candles_missing": JSONValue(candlesMissing), "resolved_at": JSONValue(resolvedAt?.description),
      "details": .text(details),
    ]
  }
}

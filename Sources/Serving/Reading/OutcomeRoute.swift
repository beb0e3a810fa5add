package import Market
internal import Operations
package import Storage
internal import Transport

extension Route {
  /// What came true of the decisions of a running pipeline.
  package static func outcomes(of view: MarketView, from store: some StoreReading) -> Route {
    Route(
      "GET", "/v1/outcomes", "What came true, by the time of the decision, ascending.",
      parameters: [
        Parameter("target", .text, "such as window-15m; all if left out"),
        Parameter("symbol", .series, "price series of the view (default: \(view.price))"),
      ] + PageRange.parameters,
      schema: Listing.schema,
      answer: .later { request throws(APIFailure) in
        let page = try PageRange(request)
        let (target, view) = (try request.target("target"), request.view(preset: view))
        let listing = try await store.read { store in
          var listing = Listing(limit: page.limit)
          guard let newest = try store.summary(of: view.price)?.lastOpenTime.adding(minutes: 1) else { return listing }
          let outcomes = try store.outcomes(of: view, in: page.range(newest: newest), target: target)
          try listing.fill { add in
            for outcome in outcomes { try add(outcome.time, outcome.json) }
          }
          return listing
        }
        return .json(listing.json(of: view.price))
      })
  }
}

extension Hub {
  package func publish(_ outcome: PredictionOutcome) {
    publish(.outcomes, of: outcome.view.price.symbol, key: "\(outcome.target)@\(outcome.view)", outcome.json)
  }
}

extension PredictionOutcome {
  /// 1 and 0 for up and down, percent for a change.
  fileprivate var json: JSONValue {
    [
      "time": .text(time.description), "view": .text(view.description), "target": .text(target.description),
      "outcome": JSONValue(value), "known_at": .text(knownAt.description),
    ]
  }
}

extension APIRequest {
  func target(_ name: String) throws(APIFailure) -> PredictionTarget? {
    guard let text = text(name) else { return nil }
    guard let target = PredictionTarget(text) else {
      let known = PredictionTarget.known.map(\.description).joined(separator: ", ")
      throw .badParameter(name, "“\(text.shortened)” is none of \(known)")
    }
    return target
  }

  /// The view whose prices are of the series asked for; one series alone, unless it is the preset.
  func view(preset: MarketView) -> MarketView {
    guard let series = series("symbol", venue: preset.price.venue), series != preset.price else { return preset }
    return MarketView(price: series)
  }
}

package import Market
internal import Operations
internal import Storage
internal import Transport

extension Route {
  /// - Parameter view: of the running pipeline.
  package static func predictions(of view: MarketView, from store: some StoreReading) -> Route {
    Route(
      "GET", "/v1/predictions", "Predictions as they were made, ascending.",
      parameters: [
        Parameter("target", .text, "such as window-15m; all if left out"),
        Parameter("model", .choice(ModelName.allCases.map(\.rawValue)), "all if left out"),
        Parameter("mode", .choice(Prediction.Mode.allCases.map(\.rawValue)), "all if left out"),
        Parameter(
          "arm", .choice(Prediction.Arm.allCases.map(\.rawValue)), "those that are served, main and split, if left out"),
        Parameter("symbol", .series, "price series of the view (default: \(view.price))"),
      ] + PageRange.parameters,
      schema: Listing.schema,
      answer: .later { request throws(APIFailure) in
        let page = try PageRange(request)
        let filter = try filter(request, view)
        let listing = try await store.read { store in try predictions(filter, page, in: store) }
        return .json(listing.json(of: filter.view?.price ?? view.price))
      })
  }

  private static func filter(_ request: APIRequest, _ view: MarketView) throws(APIFailure) -> PredictionFilter {
    var filter = PredictionFilter(view: request.view(preset: view))
    filter.target = try request.target("target")
    filter.model = request.text("model").flatMap { ModelName(rawValue: $0) }
    filter.mode = request.text("mode").flatMap { Prediction.Mode(rawValue: $0) }
    filter.arms = request.text("arm").flatMap { Prediction.Arm(rawValue: $0) }.map { [$0] } ?? Prediction.Arm.served
    return filter
  }

  private static func predictions(_ filter: PredictionFilter, _ page: PageRange, in store: any Store) throws -> Listing
  {
    var (filter, listing) = (filter, Listing(limit: page.limit))
    guard let view = filter.view, let summary = try store.summary(of: view.price) else { return listing }
    filter.range = page.range(newest: summary.lastOpenTime.adding(minutes: 1))
    try listing.fill { add in
      try store.readPredictions(filter) { batch in
        for prediction in batch { try add(prediction.time, prediction.json) }
      }
    }
    return listing
  }
}

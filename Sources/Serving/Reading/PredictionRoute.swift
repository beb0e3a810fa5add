package import Market
internal import Operations
internal import Storage
internal import Transport

extension Route {
  /// - Parameters:
  ///   - view: of the running pipeline.
  ///   - intervals: what is known of probabilities like those that were said.
  package static func predictions(
    of view: MarketView, from store: some StoreReading, _ intervals: ProbabilityIntervals = ProbabilityIntervals()
  ) -> Route {
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
      schema: Listing.schema(of: predictionSchema),
      answer: .later { request throws(APIFailure) in
        let page = try PageRange(request)
        let filter = try filter(request, view)
        let listing = try await store.read { store in try predictions(filter, page, intervals, in: store) }
        return .json(listing.json(of: filter.view?.price ?? view.price))
      })
  }

  /// What readers rely on; more stands beside it.
  private static let predictionSchema: JSONValue = [
    "type": "object",
    "required": [
      "id", "time", "target", "model", "version", "arm", "probability_up", "probability_interval", "change_percent",
      "state", "reason",
    ],
    "properties": [
      "id": ["type": "string"], "time": ["type": "string"], "target": ["type": "string"], "model": ["type": "string"],
      "version": ["type": "string"], "arm": ["type": "string"],
      "probability_up": ["type": ["number", "null"], "minimum": 0, "maximum": 1],
      "probability_interval": [
        "type": ["array", "null"], "items": ["type": "number", "minimum": 0, "maximum": 1], "minItems": 2,
        "maxItems": 2,
        "description": .text(
          "95 % interval of the share that went up after probabilities like this one; null where too few are known"),
      ],
      "change_percent": ["type": ["number", "null"]], "state": ["type": "string"], "reason": ["type": "string"],
    ],
  ]

  private static func filter(_ request: APIRequest, _ view: MarketView) throws(APIFailure) -> PredictionFilter {
    var filter = PredictionFilter(view: request.view(preset: view))
    filter.target = try request.target("target")
    filter.model = request.text("model").flatMap { ModelName(rawValue: $0) }
    filter.mode = request.text("mode").flatMap { Prediction.Mode(rawValue: $0) }
    filter.arms = request.text("arm").flatMap { Prediction.Arm(rawValue: $0) }.map { [$0] } ?? Prediction.Arm.served
    return filter
  }

  private static func predictions(
    _ filter: PredictionFilter, _ page: PageRange, _ intervals: ProbabilityIntervals, in store: any Store
  ) throws -> Listing {
    var (filter, listing) = (filter, Listing(limit: page.limit))
    guard let view = filter.view, let summary = try store.summary(of: view.price) else { return listing }
    filter.range = page.range(newest: summary.lastOpenTime.adding(minutes: 1))
    try listing.fill { add in
      try store.readPredictions(filter) { batch in
        for prediction in batch { try add(prediction.time, prediction.json(intervals.interval(of: prediction))) }
      }
    }
    return listing
  }
}

package import Market
internal import Operations
internal import Storage
internal import Transport

extension Route {
  /// - Parameter now: the running pipeline's time, which ages are reckoned from.
  package static func features(
    of models: ServedModels, _ board: FeatureBoard, from store: some StoreReading,
    now: @escaping @Sendable () -> Timestamp
  ) -> Route {
    let view = models.view
    return Route(
      "GET", "/v1/features",
      "The newest feature vector with its age, with recent those before it that are at hand, and with from or to those that "
        + "the table feature_cache keeps.",
      parameters: [
        Parameter("symbol", .series, "price series of the view (default: \(view.price))"),
        Parameter("recent", .integer(0...10_000, preset: 0), "most of the newest vectors"),
      ] + PageRange.parameters,
      schema: schema,
      answer: .later { request throws(APIFailure) in
        let (page, asked) = (try PageRange(request), request.view(preset: view))
        var listing = Listing(limit: page.limit)
        if page.from != nil || request.time("to") != nil { listing = try await stored(asked, page, store) }
        // At hand are those of the running view alone.
        let (newest, recent) =
          asked == view ? (board.newest, board.newest(request.integer("recent"))) : (nil, [])
        return .json([
          "series": .text(asked.price.description), "current": newest?.json(models.schema, at: now()) ?? .null,
          "recent": .array(recent.map(\.json)), "rows": .array(listing.rows),
          "next": JSONValue(listing.next?.description),
        ])
      })
  }

  private static func stored(
    _ view: MarketView, _ page: PageRange, _ store: some StoreReading
  ) async throws(APIFailure) -> Listing {
    try await store.read { store in
      var listing = Listing(limit: page.limit)
      guard let summary = try store.summary(of: view.price) else { return listing }
      let range = page.range(newest: summary.lastOpenTime.adding(minutes: 1))
      let rows = try store.features(of: view, in: range, limit: page.limit + 1)
      try listing.fill { add in for row in rows { try add(row.time, row.answer) } }
      return listing
    }
  }

  private static let schema: JSONValue = [
    "type": "object", "required": ["series", "current", "recent", "rows", "next"],
    "properties": [
      "series": ["type": "string"],
      "current": [
        "type": ["object", "null"], "required": ["time", "age_seconds", "feature_set", "names", "features"],
        "properties": [
          "time": ["type": "string"], "age_seconds": ["type": "number"], "feature_set": ["type": "object"],
          "names": ["type": "array", "items": ["type": "string"]],
          "features": ["type": "array", "items": ["type": ["number", "null"]]],
        ],
      ],
      "recent": [
        "type": "array",
        "items": [
          "type": "object", "required": ["time", "features"],
          "properties": [
            "time": ["type": "string"], "features": ["type": "array", "items": ["type": ["number", "null"]]],
          ],
        ],
        "description": "oldest first; as many as asked for, as are kept, and as there were since the start",
      ],
      "rows": ["type": "array", "items": ["type": "object"]], "next": ["type": ["string", "null"]],
    ],
  ]
}

extension FeatureRow {
  fileprivate var answer: JSONValue {
    [
      "time": .text(time.description), "feature_set": .text(featureSetHash), "version": .text(version),
      "features": .literal(json),
    ]
  }
}

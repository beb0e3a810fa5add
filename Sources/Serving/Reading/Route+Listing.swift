package import Market
internal import Operations
internal import Storage
internal import Transport

extension Route {
  /// Everything that is read from a store.
  package static func data(
    of view: MarketView, from store: some StoreReading, _ intervals: ProbabilityIntervals = ProbabilityIntervals()
  ) -> [Route] {
    [
      .candles(of: view.price, from: store), .predictions(of: view, from: store, intervals),
      .gaps(of: view.price, from: store), .quality(of: view.price, from: store), .outcomes(of: view, from: store),
      .skill(of: view, from: store),
    ]
  }

  /// Pages of what is stored of one series, ascending.
  ///
  /// - Parameters:
  ///   - preset: the series that is meant where none is named; its venue is that of a bare symbol.
  ///   - rows: gives every row of the page's stretch with its instant, ascending, to the last argument.
  static func listing(
    _ path: String, _ summary: String, of preset: Series, from store: some StoreReading,
    rows: @escaping @Sendable (any Store, Series, PageRange, (Timestamp, JSONValue) throws -> Void) throws -> Void
  ) -> Route {
    Route(
      "GET", path, summary,
      parameters: [Parameter("symbol", .series, "series (default: \(preset))")] + PageRange.parameters,
      schema: Listing.schema,
      answer: .later { request throws(APIFailure) in
        let page = try PageRange(request)
        let series = request.series("symbol", venue: preset.venue) ?? preset
        let listing = try await store.read { store in
          var listing = Listing(limit: page.limit)
          try listing.fill { add in try rows(store, series, page, add) }
          return listing
        }
        return .json(listing.json(of: series))
      })
  }
}

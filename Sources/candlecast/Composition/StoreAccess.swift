import Market
import Storage

extension CommandContext {
  /// The store to read from; several readers may have it open, and a running service lends what it has.
  func openForReading() throws(StoreError) -> any Store { try openForReading(store) }

  func openForReading(_ location: StoreLocation) throws(StoreError) -> any Store {
    try location.openForReading(limits: StoreChoice(configuration).limits)
  }

  /// The store to read from for who writes to it afterwards, which must not find out then that another program has it.
  func openBeforeWriting() throws(StoreError) -> any Store { try open(.readOnly) }

  /// The store to write to, made if it is not there; that a database had to be given its tables is told.
  func openForWriting() throws -> any Store {
    let store = try open(.create)
    tellWhetherMade(store)
    return store
  }

  func tellWhetherMade(_ store: any Store) {
    guard let store = store as? PostgresStore, store.wasInitialised else { return }
    output.line("\(store.name): the tables were not there and have been made")
  }

  func open(_ access: StoreLocation.Access) throws(StoreError) -> any Store { try open(store, access) }

  func open(_ location: StoreLocation, _ access: StoreLocation.Access) throws(StoreError) -> any Store {
    try location.open(access, limits: StoreChoice(configuration).limits)
  }

  /// What is stored of each series that a view reads, that of the prices first.
  func summaries(of view: MarketView, in store: any Store) throws -> [SeriesSummary] {
    try view.series.map { series in
      if let summary = try store.summary(of: series) { return summary }
      let purpose = series == view.volume ? ", which \(view) takes volumes from" : ""
      throw CommandError(
        .badData,
        "\(store.name) has no candles of \(series)\(purpose); import some, or choose --venue, --symbol or --view")
    }
  }

  /// What is stored of the prices a view reads; an error unless all its series are there.
  func prices(of view: MarketView, in store: any Store) throws -> SeriesSummary {
    try summaries(of: view, in: store)[0]
  }
}

extension CommandContext {
  /// Nothing was decided at a time that was asked for.
  func noDecision(at time: Timestamp, _ prices: SeriesSummary) -> CommandError {
    CommandError(
      .badData,
      "no decision for \(target) is made at \(time); candles of \(prices.series) are from "
        + "\(prices.period.lowerBound) to \(prices.period.upperBound), and decisions are made at their closes"
        + (target.isWindow ? ", but for the last minute of a window" : ""))
  }
}

extension SeriesSummary {
  /// From the first candle's open to the last one's close.
  var period: Range<Timestamp> { firstOpenTime..<lastOpenTime.adding(minutes: 1) }
}

import Ingestion
import Market
import Operations
import Storage
import Venues

/// Works out what a live feed follows and from where it starts: the configuration's wishes, the store's facts.
struct LivePlanner {
  let context: CommandContext
  let catalogue: VenueCatalogue
  /// The start, by the pipeline's clock.
  let now: Timestamp

  /// A series without any candle begins so many minutes ago.
  private var firstMinutes: Int { context.configuration.integer("ingest.limit") ?? 1000 }

  /// - Parameters:
  ///   - channels: empty for a feed that only fetches what is missing.
  ///   - store: `nil` begins with nothing.
  func plan(_ channels: [Channel], candlesPerRequest knob: String, from store: (any Store)?) throws -> LivePlan {
    var thresholds = LiveThresholds(context.configuration)
    thresholds.candlesPerRequest = context.configuration.integer(knob) ?? 1000
    let feeds = try venues.map { try feed($0, channels, from: store) }
    return LivePlan(seed: context.seed, thresholds: thresholds, feeds: feeds)
  }

  /// What is predicted on; its series are called what their venues call them.
  var view: MarketView {
    get throws {
      MarketView(price: try named(context.view.price), volume: try context.view.volume.map(named))
    }
  }

  private func named(_ series: Series) throws -> Series {
    let feed = try catalogue.feed(try catalogue.interface(of: series.venue), series.venue)
    return Series(series.venue, feed.name(of: series.symbol))
  }

  /// The view's venues come first, then what the configuration follows beside them.
  var venues: [Venue] {
    get throws {
      let view = context.view
      var venues = [view.price.venue]
      for venue in [view.volume?.venue].compactMap(\.self) + (try listed) where !venues.contains(venue) {
        venues.append(venue)
      }
      return venues
    }
  }

  private var listed: [Venue] {
    get throws {
      try context.configuration.list("market.venues").map { name in
        guard let venue = Venue(name) else {
          throw CommandError(.wrongUsage, "market.venues: \(name.debugDescription) is no venue")
        }
        return venue
      }
    }
  }

  private func feed(_ venue: Venue, _ channels: [Channel], from store: (any Store)?) throws -> FeedPlan {
    let interface = try catalogue.interface(of: venue)
    let feed = try catalogue.feed(interface, venue)
    let followed = channels.filter { feed.candleSource == .ticks ? $0 == .ticks : $0 != .ticks }
      .filter { $0 != .klines || feed.candleSource == .klines }
    var series = try symbols(on: venue, feed).map { try self.series(Series(venue, $0), from: store) }
    // Without a stream the end is known at the start, however long it takes to get there.
    if channels.isEmpty { for index in series.indices { series[index].endMinute = now.minute } }
    return FeedPlan(venue: venue, interface: interface, channels: followed, series: series)
  }

  private func symbols(on venue: Venue, _ feed: any FeedProtocol) throws -> [Symbol] {
    var symbols = try view.series.filter { $0.venue == venue }.map(\.symbol)
    let listed = context.configuration.list("market.symbols")
    for name in listed.isEmpty ? [context.series.symbol.name] : listed {
      guard let symbol = Symbol(name) else {
        throw CommandError(.wrongUsage, "market.symbols: \(name.debugDescription) is no symbol")
      }
      let own = feed.name(of: symbol)
      // An oracle's other feeds need ids of their own, which are not known.
      if !symbols.contains(own), feed.candleSource != .ticks || own == .bitcoinUSD { symbols.append(own) }
    }
    return symbols
  }

  private func series(_ series: Series, from store: (any Store)?) throws -> SeriesPlan {
    let first = now.minute - Int64(firstMinutes)
    guard let store else { return SeriesPlan(symbol: series.symbol, firstMinute: first) }
    return try SeriesPlan(series, from: store, firstMinute: first, now: now)
  }
}

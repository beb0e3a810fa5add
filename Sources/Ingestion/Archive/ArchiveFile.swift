package import Market

/// A file of https://data.binance.vision: what it holds and where it lies.
package struct ArchiveFile: Hashable, Sendable {
  package enum Branch: String, Hashable, Sendable {
    case spot
    case usdFutures = "futures/um"
  }

  package enum Content: Hashable, Sendable {
    /// An interval as requests name it, such as `1m`.
    case klines(interval: String)
    case aggTrades
    case trades
  }

  package enum Period: Hashable, Sendable {
    case day(CivilDate)
    /// From the first of its days on.
    case month(CivilDate)
  }

  package var branch: Branch
  package var symbol: Symbol
  package var content: Content
  package var period: Period

  package init(_ symbol: Symbol, _ content: Content, _ period: Period, branch: Branch = .spot) {
    (self.symbol, self.content, self.period, self.branch) = (symbol, content, period, branch)
  }

  /// What follows the host.
  package var path: String {
    let frequency = isMonthly ? "monthly" : "daily"
    let folder =
      switch content {
      case .klines: "klines/\(symbol)/\(label)"
      case .aggTrades, .trades: "\(label)/\(symbol)"
      }
    return "/data/\(branch.rawValue)/\(frequency)/\(folder)/\(name)"
  }

  package var checksumPath: String { path + ".CHECKSUM" }

  package var name: String { "\(symbol)-\(label)-\(date).zip" }

  /// What the file should hold.
  package var range: Range<Timestamp> {
    switch period {
    case .day(let date): Timestamp(day: date.dayNumber)..<Timestamp(day: date.dayNumber + 1)
    case .month(let date): Timestamp(day: date.firstOfMonth)..<Timestamp(day: date.firstOfNextMonth)
    }
  }

  private var isMonthly: Bool { if case .month = period { true } else { false } }

  private var label: String {
    switch content {
    case .klines("1M"): "1mo"
    case .klines(let interval): interval
    case .aggTrades: "aggTrades"
    case .trades: "trades"
    }
  }

  private var date: String {
    switch period {
    case .day(let date): date.description
    case .month(let date): String(date.description.dropLast(3))
    }
  }
}

extension Timestamp {
  init(day: Int64) { self.init(microseconds: day * Self.microsecondsPerDay) }
}

extension CivilDate {
  /// As days since 1970.
  var firstOfMonth: Int64 { dayNumber - Int64(day) + 1 }

  /// As days since 1970.
  var firstOfNextMonth: Int64 { CivilDate(day: firstOfMonth + 31).firstOfMonth }
}

import Market

/// The length of a bar, by the venues' names: `1m`, `4h`, `1d`, `1w`, `1M`.
struct CandleInterval: Hashable, Sendable {
  private enum Kind: Hashable { case minutes(Int64), weeks, months }
  private let kind: Kind
  let name: String

  static let minute = CandleInterval(minutes: 1, name: "1m")

  init(minutes: Int64, name: String) { (kind, self.name) = (.minutes(minutes), name) }

  private init(_ kind: Kind, name: String) { (self.kind, self.name) = (kind, name) }

  /// Binance's names; case matters.
  init?(binance name: String) {
    switch name {
    case "1w": self.init(.weeks, name: name)
    case "1M": self.init(.months, name: name)
    default:
      let lengths: [String: Int64] = [
        "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480,
        "12h": 720, "1d": 1440, "3d": 4320,
      ]
      guard let minutes = lengths[name] else { return nil }
      self.init(minutes: minutes, name: name)
    }
  }

  /// Bybit's names.
  init?(bybit name: String) {
    switch name {
    case "D": self.init(minutes: 1440, name: name)
    case "W": self.init(.weeks, name: name)
    case "M": self.init(.months, name: name)
    default:
      guard let minutes = Int64(name), [1, 3, 5, 15, 30, 60, 120, 240, 360, 720].contains(minutes) else { return nil }
      self.init(minutes: minutes, name: name)
    }
  }

  func start(of time: Timestamp) -> Timestamp {
    switch kind {
    case .minutes(let length): return Timestamp(minute: time.minute.flooredQuotient(length) * length)
    case .weeks:
      // 1970-01-01 was a Thursday; weeks begin on Monday.
      return Timestamp(minute: ((time.day + 3).flooredQuotient(7) * 7 - 3) * 1440)
    case .months:
      let date = CivilDate(day: time.day)
      return Timestamp(minute: (time.day - Int64(date.day - 1)) * 1440)
    }
  }

  func end(from start: Timestamp) -> Timestamp {
    switch kind {
    case .minutes(let length): return start.adding(minutes: Int(length))
    case .weeks: return start.adding(minutes: 7 * 1440)
    case .months: return self.start(of: start.adding(minutes: 31 * 1440))
    }
  }
}

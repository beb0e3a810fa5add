import Operations

/// A named argument of a verb.
struct Option: Hashable, Sendable {
  /// With its dashes, `--as-of`.
  let name: String
  let short: String?
  let kind: ArgumentKind
  let summary: String
  /// The knob of the configuration that it sets.
  let knob: String?
  let isRequired: Bool

  init(
    _ name: String, short: String? = nil, _ kind: ArgumentKind, knob: String? = nil, isRequired: Bool = false,
    _ summary: String
  ) {
    self.name = name
    self.short = short
    self.kind = kind
    self.knob = knob
    self.isRequired = isRequired
    self.summary = summary
  }
}

/// An argument without a name.
struct Positional: Hashable, Sendable {
  let name: String
  let kind: ArgumentKind
  let count: Count
  let summary: String

  enum Count: Sendable { case one, optional, many, any }

  init(_ name: String, _ kind: ArgumentKind, _ count: Count, _ summary: String) {
    (self.name, self.kind, self.count, self.summary) = (name, kind, count, summary)
  }
}

extension Option {
  /// What every verb takes.
  static let common = [
    Option("--json", .flag, "print one JSON document instead of text"),
    Option("--config", .path, "configuration file (default: candlecast.yaml, if there)"),
    Option(
      "--store", .knob(.store, placeholder: "URL"), knob: "store",
      "duckdb:PATH or postgres://USER@HOST/DATABASE (default: duckdb:feature_store/bitcoin.duckdb)"),
    Option(
      "--models", .path, knob: "models", "folder of versions and registry, or s3://bucket/prefix (default: models)"),
    Option("--venue", .knob(.venue, placeholder: "VENUE"), knob: "market.venue", "default: binance"),
    Option("--symbol", .knob(.symbol, placeholder: "SYMBOL"), knob: "market.symbol", "default: BTCUSDT"),
    Option("--quiet", short: "-q", .flag, "only results and errors"),
    Option("--verbose", short: "-v", .flag, "log everything"),
    Option("--version", .flag, "print the version and stop"),
    Option("--help", short: "-h", .flag, "print this and stop"),
  ]

  static let target = Option(
    "--target", .knob(.target, placeholder: "TARGET"), knob: "market.target",
    "direction-5m|15m|30m|60m, window-5m|15m|1h, change-5m|15m|30m|60m or move-60s (default: direction-15m)")
  static let view = Option(
    "--view", .knob(.view, placeholder: "PRICE[+VOLUME]"), knob: "market.view",
    "series of prices, and of volumes where it is another (default: VENUE:SYMBOL)")
  static let asOf = Option("--as-of", .time, "as if it were then: hides what was stored or available later")
  static let seed = Option(
    "--seed", .knob(.integer(0...Int.max), placeholder: "N"), knob: "training.seed", "of everything random (default: 1)"
  )

  /// Half-open: `from` is in, `to` is not.
  static func from(_ summary: String) -> Option { Option("--from", .time, summary) }
  static func to(_ summary: String) -> Option { Option("--to", .time, summary) }
}

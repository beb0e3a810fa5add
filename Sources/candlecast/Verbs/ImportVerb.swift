struct ImportVerb: Verb {
  let name = "import"
  let summary = "reads candles from files into the store"
  let details = [
    "Reads CSV (plain, .gz or .zst) with the columns open_time_ms, open, high, low, close, volume, quote_volume, trades,",
    "taker_buy_base, taker_buy_quote; Binance's archive files (12 columns, CSV or zip, milliseconds or microseconds; a",
    ".CHECKSUM beside a file is verified); and Parquet. A file that was imported before changes nothing; a row that",
    "differs from the stored one becomes a revision. A file is taken in whole or not at all.",
  ]
  let positionals = [Positional("PATH", .path, .many, "files to read")]
  let options = [
    Option(
      "--on-error", .choice(["reject", "skip"]),
      "bad rows: reject the whole file (default), or skip, count and list them")
  ]
  let examples = [
    Example("candlecast import Data/BTCUSDT_binance_spot_1m_20240117_20240331.csv.zst", "the bundled candles"),
    Example("candlecast import --on-error skip archive/BTCUSDT-1m-2024-03.zip", "a month of Binance's archive"),
    Example("candlecast import --venue coinbase --symbol BTC-USD coinbase.csv", "another venue: a series of its own"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}

import Market
import Operations
import Testing

@testable import candlecast

struct ArgumentParserTests {
  private func parse(_ line: String) throws -> ParsedArguments {
    let words = line.split(separator: " ").map(String.init)
    return try ArgumentParser.parse(Array(words.dropFirst()), for: try Verbs.named(words[0]))
  }

  @Test func `a value follows its option or an equals sign`() throws {
    #expect(try parse("train --target window-15m").text("--target") == "window-15m")
    #expect(try parse("train --target=window-15m").text("--target") == "window-15m")
    #expect(try parse("train -q --to 2024-03-01").time("--to") == Timestamp("2024-03-01"))
    #expect(
      try parse("replay --from 1711843200000 --to 2024-04-01 --speed 60x").speed("--speed") == .realTime(multiple: 60))
  }

  @Test func `many paths are many, and after two dashes nothing is an option`() throws {
    #expect(try parse("import a.csv b.csv --on-error skip c.csv").positionals == ["a.csv", "b.csv", "c.csv"])
    #expect(try parse("import -- --json").positionals == ["--json"])
    #expect(try parse("simulate --data a.csv --port 0").positionals.isEmpty)
    #expect(try parse("simulate --data a.csv b.csv c.csv --port 0").positionals == ["b.csv", "c.csv"])
  }

  @Test func `a range is half-open and open-ended where nothing is said`() throws {
    let arguments = try parse("gaps --from 2024-03-01")
    #expect(arguments.range.lowerBound == Timestamp("2024-03-01"))
    #expect(arguments.range.upperBound == .distantFuture)
  }

  @Test(arguments: [
    ("stauts", "did you mean status?"), ("backtest", "did you mean replay?"), ("frobnicate", "help` lists all verbs"),
    ("train --targt x", "did you mean --target?"), ("train --target window-15", "did you mean window-15m?"),
    ("train --target", "--target needs a value"), ("train --to --json", "--to needs a value"),
    ("train --to= --json", "--to needs a value"), ("train --refit=yes", "--refit takes no value"),
    ("train --to tomorrow", "ISO 8601"), ("train --seed -1", "--seed needs a value"),
    ("train --seed x", "a whole number"),
    ("train --seed 1 --seed 2", "--seed stands twice"),
    ("train --from 2024-03-02 --to 2024-03-02", "the range is empty"),
    ("train extra", "does not know what to do with \"extra\""), ("train refit", "did you mean --refit?"),
    ("import", "import needs at least one PATH"), ("import a --on-error ignore", "one of reject, skip"),
    ("import a --on-error skp", "did you mean skip?"), ("export candles", "export needs --out PATH"),
    ("export", "one of candles, predictions"), ("models lst", "did you mean list?"),
    ("status --store bitcoin.duckdb", "did you mean duckdb:bitcoin.duckdb?"),
    ("status --venue Binance", "did you mean binance?"), ("status --symbol btcusdt", "did you mean BTCUSDT?"),
    ("predict --view binance", "VENUE:SYMBOL"), ("status -q -v", "exclude each other"),
    ("replay --from 2024-03-01 --to 2024-03-02 --speed fast", "60x"),
    ("simulate --data a.csv", "simulate needs --port PORT"), ("simulate --data a.csv --port 70000", "--port"),
  ])
  func `says what is wrong and what was meant`(line: String, text: String) {
    let error = #expect(throws: (any Error).self) { try parse(line) }
    #expect(error.map { "\($0)" }?.contains(text) == true, "\(error.map { "\($0)" } ?? "")")
    #expect(error.map(Program.exitCode) == .wrongUsage)
  }

  @Test func `help and version are given whatever else is missing`() throws {
    #expect(try parse("replay --help").has("--help"))
    #expect(try parse("export --version").has("--version"))
  }

  @Test func `options set their knobs`() throws {
    let arguments = try parse("train --store duckdb:x --target window-5m --seed 7 -v")
    let flags = arguments.configurationFlags(of: TrainVerb())
    let configuration = try Configuration(Configuration.Input(flags: flags))
    #expect(configuration.text("store") == "duckdb:x")
    #expect(configuration.text("market.target") == "window-5m")
    #expect(configuration.integer("training.seed") == 7)
    #expect(configuration.text("log.level") == "debug")
  }
}

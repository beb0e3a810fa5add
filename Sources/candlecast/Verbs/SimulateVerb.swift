import Operations
import VenueSimulator

struct SimulateVerb: Verb {
  let name = "simulate"
  let summary = "plays recorded candles as if they were live, over the venues' own protocols"
  let details = [
    "Serves Binance, Binance.US, Coinbase, Bybit, Chainlink and Polymarket's relays on one port of this machine. What",
    "is not in the candles (trades, quotes, books, an oracle's prices) is made up inside them and fits them exactly.",
    "The last day of the data streams; the rest is history. The stream begins now and runs at --speed; at its end the",
    "sockets are closed and the command ends. It prints what to export so that clients come here; a series read from",
    "it must be stored under a venue of its own, such as sim-binance. A file's name tells its symbol (BTCUSDT_….csv);",
    "--symbol overrules that. --faults takes items apart by commas: KIND[:AMOUNT]@TIME[+LENGTH][%VENUE] or random:N",
    "(N an hour); kinds are disconnect, silence, duplicate, reorder, partial, late, missing, slow, truncate,",
    "malformed, shutdown, lifetime, clock, rewrite and HTTP statuses such as 429; times are MM:SS, HH:MM:SS, 90s, 10m,",
    "2h or 1d after the start, by the simulator's clock.",
  ]
  let positionals = [Positional("PATH", .path, .any, "more files")]
  let options = [
    Option("--data", .path, isRequired: true, "a file of candles, of any kind that import reads"),
    Option("--port", .knob(.integer(0...65_535), placeholder: "PORT"), isRequired: true, "0 takes a free one"),
    Option("--host", .text(placeholder: "ADDRESS"), "address to listen on (default: 127.0.0.1)"),
    Option("--speed", .speed, "a multiple of real time (default: 60x)"),
    Option("--stream-last", .text(placeholder: "LENGTH"), "how much of the data streams: 30d, 6h (default: 1d)"),
    Option("--original-time", .flag, "keep the recorded times instead of moving the stream's begin to now"),
    Option("--faults", .text(placeholder: "FAULTS"), "what goes wrong, see above"), Option.seed,
  ]
  let examples = [
    Example(
      "candlecast simulate --data Data/BTCUSDT_binance_spot_1m_20240117_20240331.csv.zst --port 9500",
      "the last bundled day within 24 minutes"),
    Example(
      "candlecast simulate --data BTCUSDT.csv ETHUSDT.csv --port 0 --speed 1x --json",
      "two instruments in real time, on a free port that is printed as JSON"),
    Example(
      "candlecast simulate --data BTCUSDT.csv --port 9500 --faults disconnect@00:30,silence@05:00+90s,429@10:00+20s",
      "what a bad hour is like"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let simulation = try SimulationRun(arguments, context)
    simulation.announce()
    simulation.play()
    return .done
  }
}

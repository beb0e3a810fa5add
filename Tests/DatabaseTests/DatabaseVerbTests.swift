import Operations
import TestSupport
import Testing

@testable import Storage
@testable import candlecast

struct DatabaseVerbTests {
  private let folder: TemporaryFolder
  private let newest = StoreSchema.version

  init() throws { folder = try TemporaryFolder() }

  private func run(_ words: [String], environment: [String: String] = [:]) -> TestedProgram.Result {
    TestedProgram(folder: folder).run(words, environment: environment)
  }

  private func run(_ line: String, environment: [String: String] = [:]) -> TestedProgram.Result {
    TestedProgram(folder: folder).run(line, environment: environment)
  }

  private func file(_ name: String) -> String { "duckdb:" + folder.file(name) }

  // MARK: Actions

  @Test func `a store is made, looked at, checked, backed up, restored and copied`() throws {
    let store = file("a.duckdb")
    #expect(run("db init --store \(store)").output == "\(store): made, schema \(newest)\n")
    #expect(run("db init --store \(store)").output == "\(store) is there already, schema \(newest); nothing to do\n")
    #expect(run("db migrate --store \(store)").output == "\(store) has schema \(newest) already; nothing to do\n")
    try DuckDBStore(path: folder.file("a.duckdb")).fillWithEverything()
    let status = run("db status --store \(store)")
    #expect(
      status.code == .done && status.output.contains("schema  \(newest)") && status.output.contains("candle_versions"))
    let check = run("db check --store \(store)")
    #expect(check.code == .done && check.output.contains("all in order"), "\(check.output)")
    let backup = folder.file("a.backup")
    #expect(run("db backup \(backup) --store \(store)").code == .done)
    #expect(run("db backup \(backup) --store \(store)").error.contains("it is there already"))
    #expect(run("db restore \(backup) --store \(file("b.duckdb"))").code == .done)
    #expect(run("db copy \(store) \(file("c.duckdb"))").code == .done)
    let again = run("db copy \(store) \(file("c.duckdb"))")
    #expect(again.code == .wrongUsage && again.error.contains("is not empty"))
    for name in ["b.duckdb", "c.duckdb"] {
      #expect(
        try StoreContents(DuckDBStore(path: folder.file(name), mode: .readOnly))
          == StoreContents(DuckDBStore(path: folder.file("a.duckdb"), mode: .readOnly)))
    }
  }

  @Test func `an empty database is given its tables by whoever writes first, which is told once`() throws {
    let database = try PostgresServer.shared().makeDatabase()
    let candles = folder.file("BTCUSDT.csv")
    let columns = "open_time_ms,open,high,low,close,volume,quote_volume,trades,taker_buy_base,taker_buy_quote"
    try FileContents.overwrite(candles, Array("\(columns)\n1705449600000,1,2,0.5,1.5,3,4,5,1,2\n".utf8))
    let told = "the tables were not there and have been made"
    let first = run("import \(candles) --store \(database.address)")
    #expect(first.code == .done && first.output.contains(told), "\(first.error)\(first.output)")
    let second = run("import \(candles) --store \(database.address)")
    #expect(second.code == .done && !second.output.contains(told), "\(second.error)\(second.output)")
  }

  @Test func `a finding ends with 3`() throws {
    try DuckDBStore(path: folder.file("a.duckdb")).fillWithEverything()
    try StoreDamage.apply("UPDATE series SET revisions = 99", to: folder.file("a.duckdb"))
    let check = run("db check --store \(file("a.duckdb"))")
    #expect(check.code == .badData)
    #expect(check.output.contains("series: binance BTCUSDT: the summary"))
    let json = run("db check --json --store \(file("a.duckdb"))")
    #expect(json.code == .badData && json.output.contains("\"where\": \"binance BTCUSDT\""))
  }

  @Test func `a damaged backup is refused before there is a store`() throws {
    try DuckDBStore(path: folder.file("a.duckdb")).fillWithEverything()
    let backup = folder.file("a.backup")
    #expect(run("db backup \(backup) --store \(file("a.duckdb"))").code == .done)
    var bytes = try FileContents.read(backup)
    bytes[bytes.count / 3] ^= 1
    try FileContents.overwrite(backup, bytes)
    let restore = run("db restore \(backup) --store \(file("b.duckdb"))")
    #expect(restore.code == .badData && restore.error.contains("damaged"))
    #expect(try !FileContents.names(in: folder.path).contains("b.duckdb"))
  }

  @Test func `a store that another program has open names it and says what to do`() throws {
    let store = try DuckDBStore(path: folder.file("a.duckdb"))
    let status = run("db status --store \(file("a.duckdb"))")
    #expect(status.code == .unreachable)
    #expect(status.error.contains("in use by this process") && status.error.contains("or use PostgreSQL"))
    withExtendedLifetime(store) {}
  }

  // MARK: Words

  @Test func `each action has its own help`() {
    #expect(run("help db").output.contains("db backup"))
    #expect(run("db --help").output == run("help db").output)
    #expect(run("help db backup").output == run("db backup --help").output)
    #expect(run("help db backup").output.contains("usage: candlecast db backup PATH [options]"))
    #expect(run("db").error.contains("db needs one of init, migrate, status, check, backup, restore, copy"))
    #expect(run("db bakup x").error.contains("there is no verb \"db bakup\"; did you mean db backup?"))
    #expect(run("db backup").error.contains("(`candlecast help db backup` shows what it takes)"))
  }

  @Test(arguments: DatabaseVerb().actions.map(\.name))
  func `examples can be run as they stand`(name: String) throws {
    let action = try #require(DatabaseVerb().actions.first { $0.name == name })
    #expect(!action.examples.isEmpty)
    for example in action.examples {
      let (verb, rest) = try Verbs.split(example.command.split(separator: " ").dropFirst().map(String.init))
      #expect(verb.name == name)
      _ = try ArgumentParser.parse(rest, for: verb)
    }
    #expect(Help.page(of: action).split(separator: "\n").allSatisfy { $0.count <= 130 })
  }

  // MARK: A server

  @Test func `every action takes the address of a server`() throws {
    let database = try PostgresServer.shared().makeDatabase()
    let store = database.address
    #expect(run("db status --store \(store)").error.contains("there is no store"))
    #expect(run("db init --store \(store)").output.contains("made, schema \(newest)"))
    #expect(run("db init --store \(store)").output.contains("nothing to do"))
    try DuckDBStore(path: folder.file("a.duckdb")).fillWithEverything()
    #expect(run("db copy \(file("a.duckdb")) \(store)").code == .done)
    let status = run("db status --store \(store)")
    #expect(status.output.contains("PostgreSQL 15") && status.output.contains("partitions: "), "\(status.output)")
    #expect(run("db check --store \(store)").output.contains("all in order"))
    #expect(run("db backup \(folder.path) --store \(store)").code == .done)
    let backup = try #require(try FileContents.names(in: folder.path).first { $0.hasSuffix(".backup") })
    #expect(run("db restore \(folder.file(backup)) --store \(file("b.duckdb"))").code == .done)
    #expect(
      try StoreContents(DuckDBStore(path: folder.file("b.duckdb"), mode: .readOnly))
        == StoreContents(DuckDBStore(path: folder.file("a.duckdb"), mode: .readOnly)))
    let doctor = run("doctor --store \(store)")
    #expect(doctor.output.contains("PostgreSQL 15") && doctor.output.contains("schema \(newest)"), "\(doctor.output)")
  }

  @Test func `a newer schema is refused`() throws {
    let database = try PostgresServer.shared().makeDatabase()
    #expect(run("db init --store \(database.address)").code == .done)
    try database.run("INSERT INTO schema_migrations (version, name, checksum) VALUES (99, 'of tomorrow', 'x')")
    for words in ["db init", "db migrate", "db status", "db check", "status"] {
      let result = run("\(words) --store \(database.address)")
      #expect(result.code == .badData && result.error.contains("newer version"), "\(words): \(result.error)")
    }
  }

  @Test func `mistakes with a server get a sentence that says what to do`() throws {
    let server = try PostgresServer.shared()
    let database = try server.makeDatabase()
    let user = try server.makeUser(password: "right")
    let socket = server.folder.replacing("/", with: "%2F")
    let cases: [(address: String, words: String)] = [
      ("postgres://\(user):wrong-horse@\(socket)/\(database.name)", "check the user and the password"),
      ("postgres://\(user)@\(socket)/\(database.name)", "PGPASSWORD or ~/.pgpass"),
      (server.address("nowhere"), "createdb"), (database.address(user: "nobody"), "createuser"),
      ("postgres://candlecast@%2Fnowhere/x", "the server cannot be reached"),
      ("postgres://candlecast@127.0.0.1:1/x", "the server cannot be reached"),
      ("postgres://\(user):right@\(socket)/\(database.name)", "GRANT ALL ON SCHEMA public"),
      (database.address + "?sslmode=sometimes", "sslmode"),
    ]
    for (address, words) in cases {
      let result = run(["db", "init", "--store", address])
      #expect(result.code == .unreachable, "\(address): \(result.error)")
      #expect(result.error.contains(words), "\(address): \(result.error)")
      #expect(!result.error.contains("wrong-horse") && !result.error.contains("right@"), "\(result.error)")
      #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
    }
  }

  // MARK: Secrets

  @Test(arguments: [
    "postgres://me:correct-horse@h/d", "postgresql://me:correct-horse@h:1/d?sslmode=require",
    "postgres://me@h/d?password=correct-horse", "postgres://me@h/d?sslpassword=correct-horse&x=1",
    "postgres://me:correct-horse@h:port/d", "postgres://me:cor@rect-horse@h/d?nonsense=1",
    "postgres://me:correct-horse/with-slash@h/d", "bolt://me:correct-horse@h/d",
  ])
  func `no password of an address is printed`(address: String) throws {
    let yaml = try folder.write("store: \"\(address)\"\n", to: "candlecast.yaml")
    for words in [
      ["config"], ["config", "--json"], ["status"], ["doctor"], ["db", "copy", address, "duckdb:x"],
      ["db", "status", address], ["status", "--store", address, "--verbose"],
    ] {
      for environment in [["CANDLECAST_STORE": address], [:]] {
        let file = environment.isEmpty ? ["--config", yaml] : []
        let result = run(words + file, environment: environment.merging(["PGCONNECT_TIMEOUT": "2"]) { $1 })
        for part in ["correct-horse", "rect-horse", "with-slash"] {
          #expect(!(result.output + result.error).contains(part), "\(words): \(result.output)\(result.error)")
        }
      }
    }
    // There is no log where the address was refused.
    for name in (try? FileContents.names(in: folder.file("logs"))) ?? [] {
      let text = String(decoding: try FileContents.read(folder.file("logs/\(name)")), as: UTF8.self)
      #expect(!text.contains("rect-horse"), "\(text)")
    }
  }

  // MARK: Which store

  private func location(_ environment: [String: String]) throws -> String {
    let configuration = try Configuration(Configuration.Input(environment: environment))
    return try StoreChoice(configuration).location().description
  }

  @Test func `a host alone chooses PostgreSQL, and every part of it counts`() throws {
    #expect(try location([:]) == "duckdb:feature_store/bitcoin.duckdb")
    #expect(try location(["DB_HOST": "db"]) == "postgres://candlecast@db:5432/candlecast")
    #expect(try location(["DB_HOST": "db", "DB_PORT": "5433"]) == "postgres://candlecast@db:5433/candlecast")
    #expect(try location(["DB_HOST": "db", "DB_NAME": "x y"]) == "postgres://candlecast@db:5432/x%20y")
    #expect(try location(["DB_HOST": "db", "DB_USER": "m@x"]) == "postgres://m%40x@db:5432/candlecast")
    #expect(try location(["DB_PORT": "5433"]) == "duckdb:feature_store/bitcoin.duckdb")
    #expect(
      try location(["CANDLECAST_STORE": "postgres:", "DB_USER": "me"]) == "postgres://me@localhost:5432/candlecast")
    #expect(try location(["CANDLECAST_STORE": "duckdb:a", "DB_HOST": "db"]) == "duckdb:a")
    #expect(try location(["FEATURE_DB_PATH": "a", "DB_HOST": "db"]) == "duckdb:a")
    #expect(
      try location(["CANDLECAST_STORE": "postgres://other/x", "DB_HOST": "db"]) == "postgres://other/x")
  }

  @Test func `the password of the configuration opens the database`() throws {
    let server = try PostgresServer.shared()
    let database = try server.makeDatabase()
    let user = try server.makeUser(password: "p@ss/w:rd%")
    try database.run("GRANT ALL ON SCHEMA public TO \(user)")
    var environment = ["DB_HOST": server.folder, "DB_NAME": database.name, "DB_USER": user]
    #expect(run("db init", environment: environment).error.contains("PGPASSWORD or ~/.pgpass"))
    environment["DB_PASSWORD"] = "p@ss/w:rd%"
    let result = run("db init", environment: environment)
    #expect(result.code == .done, "\(result.error)")
  }

  @Test func `limits of the configuration reach the server`() throws {
    let environment = [
      "CANDLECAST_DATABASE_STATEMENT_SECONDS": "7", "CANDLECAST_DATABASE_POOL_SIZE": "3",
      "CANDLECAST_DATABASE_CHUNK_DAYS": "30", "CANDLECAST_DATABASE_PARTITION_DAYS": "5",
    ]
    let limits = StoreChoice(try Configuration(Configuration.Input(environment: environment))).limits
    #expect(limits.statementSeconds == 7 && limits.connections == 3)
    #expect(limits.chunkDays == 30 && limits.partitionDays == 5)
    let database = try PostgresServer.shared().makeDatabase()
    try DuckDBStore(path: folder.file("a.duckdb")).fillWithEverything()
    #expect(run("db copy \(file("a.duckdb")) \(database.address)", environment: environment).code == .done)
    let status = run("db status --store \(database.address)", environment: environment)
    #expect(status.output.contains("partitions: "), "\(status.output)")
    let widths = try PostgresConnection(PostgresLocation(database.address)).query(
      """
      SELECT DISTINCT extract(day FROM substring(bound FROM 'TO \\(''([^'']+)')::TIMESTAMPTZ
        - substring(bound FROM 'FROM \\(''([^'']+)')::TIMESTAMPTZ)::BIGINT
      FROM (SELECT pg_get_expr(relpartbound, oid) bound FROM pg_class JOIN pg_inherits ON inhrelid = oid
        WHERE inhparent = 'candle_versions'::REGCLASS) parts
      """)
    #expect(try widths.count == 1 && widths.integer(0, 0) == 5)
  }
}

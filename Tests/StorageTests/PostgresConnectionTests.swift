import Market
import TestSupport
import Testing

@testable import Storage

struct PostgresLocationTests {
  private func values(_ text: String) throws -> [String] {
    try PostgresLocation(text).settings.map { "\($0.name)=\($0.value)" }
  }

  @Test(arguments: [
    ("postgres://", []), ("postgresql://h", ["host=h"]), ("postgres://u@h/d", ["user=u", "host=h", "dbname=d"]),
    ("postgres://u:p@h:6543/d", ["user=u", "host=h", "port=6543", "dbname=d"]),
    ("postgres:///d?host=%2Ftmp%2Fx", ["dbname=d", "host=/tmp/x"]),
    ("postgres://%2Ftmp%2Fx/d", ["host=/tmp/x", "dbname=d"]),
    ("postgres://[::1]:5433/d", ["host=::1", "port=5433", "dbname=d"]),
    ("postgres://a:1,b:2/d", ["host=a,b", "port=1,2", "dbname=d"]),
    (
      "postgres://u%40x@h/d%20e?sslmode=verify-full&sslrootcert=%2Fca",
      [
        "user=u@x", "host=h", "dbname=d e", "sslmode=verify-full", "sslrootcert=/ca",
      ]
    ),
  ])
  func `an address says where the database is`(text: String, expected: [String]) throws {
    #expect(try values(text) == expected)
  }

  @Test(arguments: [
    "postgres://u:s3cr%65t@h/d", "postgres://:s3cret@h/d", "postgres://u@h/d?password=s3cret",
    "postgres://u:s3cret@h/d?sslpassword=s3cret",
  ])
  func `a password is kept and never shown`(text: String) throws {
    let location = try PostgresLocation(text)
    #expect(location.password?.reveal() == "s3cret")
    var dumped = ""
    dump(location, to: &dumped)
    for shown in ["\(location)", String(reflecting: location), dumped, "\(StoreLocation.postgres(location))"] {
      #expect(!shown.contains("s3cret") && !shown.contains("s3cr%65t"), "\(shown)")
    }
  }

  @Test(arguments: [
    "http://h", "postgres:/h", "postgres://u:s3cret@h:0/d", "postgres://u:s3cret@h:70000/d", "postgres://u:s3cret%@h",
    "postgres://u:s3cret%zz@h", "postgres://u:%00s3cret@h", "postgres://u:%ff%fes3cret@h", "postgres://u:s3cret@[::1/d",
    "postgres://u:s3cret@h?nonsense=1", "postgres://u:s3cret@h?sslmode", "postgres://u:s3cret@h/d#x",
  ])
  func `what is no address is refused without showing it`(text: String) throws {
    let error = try #require(throws: StoreError.self) { try PostgresLocation(text) }
    #expect(!"\(error)".contains("s3cret"))
    #expect(StoreLocation(text) == nil)
  }

  @Test(arguments: Soak.seeds(10))
  func `any text is an address or an error`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let pieces = ["postgres://", "@", ":", "/", "?", "%", "%2F", "[", "]", ",", "=", "&", "user", "1", "é", "\0"]
    for _ in 0..<500 {
      let text = "postgres://" + (0..<12).map { _ in pieces.randomElement(using: &random)! }.joined()
      _ = try? PostgresLocation(text)
    }
  }
}

struct PostgresNumericTests {
  @Test(arguments: Soak.seeds(20))
  func `any bytes are a number or none`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<500 {
      var bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      if bytes.count >= 8, Bool.random(using: &random) {
        bytes.replaceSubrange(
          0..<8, with: [0, UInt8((bytes.count - 8) / 2), 0, UInt8.random(in: 0..<12, using: &random), 0, 0, 0, 8])
        if bytes.count % 2 == 1 { bytes.removeLast() }
      }
      bytes.withUnsafeBytes {
        let number = PostgresNumeric($0)
        _ = (number?.decimal, number?.oraclePrice, number?.wholeNumber)
      }
    }
  }
}

struct PostgresConnectionTests {
  private let server: PostgresServer

  init() throws { server = try PostgresServer.shared() }

  /// By default a session whose tables nobody else sees.
  private func open(_ address: String? = nil) throws -> PostgresConnection {
    try PostgresConnection(PostgresLocation(address ?? server.address() + "?options=-c%20search_path%3Dpg_temp"))
  }

  // MARK: Mistakes of a new user

  @Test func `a wrong password says what to look at`() throws {
    let user = try server.makeUser(password: "right")
    let address = server.address(user: user + ":s3cret")
    let error = try #require(throws: StoreError.self) { try open(address) }
    guard case .refused(_, let reason) = error else { throw error }
    #expect(reason.contains("check the user and the password"))
    #expect(!"\(error)".contains("s3cret"))
    #expect(error.exitCode == 4)
    _ = try open(address.replacing("s3cret", with: "right"))
  }

  @Test func `a password that is missing says where it goes`() throws {
    let user = try server.makeUser(password: "right")
    let error = try #require(throws: StoreError.self) {
      try open(server.address(user: user) + "?passfile=%2Fnowhere")
    }
    guard case .refused(_, let reason) = error else { throw error }
    #expect(reason.contains("PGPASSWORD"))
  }

  @Test func `a database or a user that is not there says how to make it`() throws {
    for (address, word) in [(server.address("nowhere"), "createdb"), (server.address(user: "nobody"), "createuser")] {
      let error = try #require(throws: StoreError.self) { try open(address) }
      guard case .refused(_, let reason) = error else { throw error }
      #expect(reason.contains(word))
    }
  }

  @Test(arguments: ["postgres://127.0.0.1:1/d", "postgres://%2Fnowhere/d", "postgres://no-such-host.invalid/d"])
  func `a server that cannot be reached is unavailable`(address: String) throws {
    let error = try #require(throws: StoreError.self) { try open(address) }
    guard case .unavailable = error else { throw error }
  }

  @Test func `encryption that is not there is refused`() throws {
    let error = try #require(throws: StoreError.self) {
      try open(server.address() + "?host=127.0.0.1&port=1&sslmode=verify-full&sslrootcert=%2Fnowhere")
    }
    #expect(error.exitCode == 4)
  }

  @Test func `a user without rights learns what to ask for`() throws {
    try server.run("DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $$")
    let error = try #require(throws: StoreError.self) {
      try PostgresStore(PostgresLocation(server.address(user: "guest")))
    }
    guard case .refused(_, let reason) = error else { throw error }
    #expect(reason.contains("GRANT"))
  }

  // MARK: Values

  @Test(arguments: Soak.seeds(3))
  func `every value comes back as it was`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let connection = try open()
    let sql = """
      SELECT $1::BIGINT, $2::BOOLEAN, $3::DOUBLE PRECISION, $4::TEXT, $5::TIMESTAMPTZ, $6::NUMERIC(20,8),
        $7::NUMERIC(38,18), $8::NUMERIC(20,0), $6::TEXT, $7::TEXT
      """
    let largest: Int128 = 99_999_999_999_999_999_999
    let widest = Int128(1) << 126
    for round in 0..<300 {
      let limit = [1, 50, 10_000, 99_999_999, 100_000_000, 10_000_000_000_000_000, largest].randomElement(
        using: &random)!
      let decimal = Decimal8(units: .random(in: -limit...limit, using: &random))!
      let wide = [widest >> 70, 10_000, 1_000_000_000_000_000_000, 99_999_999_999_999_999_999_999_999_999_999_999_999]
        .randomElement(using: &random)!
      let price = OraclePrice(units: .random(in: -wide...wide, using: &random))
      let time =
        round == 0
        ? .distantPast
        : round == 1
          ? .distantFuture
          : Timestamp(microseconds: .random(in: -60_000_000_000_000_000...9_000_000_000_000_000_000, using: &random))
      let integer = Int64.random(in: .min ... .max, using: &random)
      let hash = UInt64.random(in: 0 ... .max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
      let double = Double(bitPattern: random.next())
      let rows = try connection.query(
        sql,
        [
          .integer(integer), .boolean(integer > 0), .double(double), .text("a'\"\\é\(round)"), .instant(time),
          .decimal(decimal), .price(price), .hash(hash),
        ])
      #expect(try rows.integer(0, 0) == integer)
      #expect(try rows.boolean(0, 1) == (integer > 0))
      #expect(try rows.optionalDouble(0, 2).map { $0 == double || $0.isNaN && double.isNaN } == true)
      #expect(try rows.text(0, 3) == "a'\"\\é\(round)")
      #expect(try rows.time(0, 4) == time)
      #expect(try rows.decimal(0, 5) == decimal)
      #expect(try rows.price(0, 6) == price)
      #expect(try rows.hash(0, 7) == hash)
      #expect(try Decimal8(rows.text(0, 8)) == decimal)
      #expect(try OraclePrice(rows.text(0, 9)) == price)
    }
  }

  @Test func `nulls come back as nulls and a NUL is replaced`() throws {
    let rows = try open().query(
      "SELECT $1::BIGINT, $2::DOUBLE PRECISION, $3::TEXT, $4::TIMESTAMPTZ, $5::NUMERIC, $6::NUMERIC, $7::TEXT, $8::TEXT",
      [
        .integer(nil), .double(nil), .text(nil), .instant(nil), .decimal(nil), .price(nil), .text("a\0b"), .text(""),
      ])
    #expect((0..<6).allSatisfy { rows.bytes(0, $0) == nil })
    #expect(try rows.text(0, 6) == "a\u{FFFD}b")
    #expect(try rows.text(0, 7) == "")
  }

  @Test(arguments: ["'NaN'", "'Infinity'", "1e30", "0.000000001", "'-Infinity'", "1e131071::NUMERIC"])
  func `numbers that do not fit are errors`(number: String) throws {
    let rows = try open().query("SELECT \(number)::NUMERIC")
    #expect(throws: StoreError.self) { try rows.decimal(0, 0) }
  }

  @Test func `values of the wrong length are errors`() throws {
    let rows = try open().query("SELECT 'abc'::TEXT, 1::SMALLINT, true")
    #expect(throws: StoreError.self) { try rows.integer(0, 0) }
    #expect(throws: StoreError.self) { try rows.time(0, 0) }
    #expect(throws: StoreError.self) { try rows.boolean(0, 0) }
    #expect(throws: StoreError.self) { try rows.decimal(0, 1) }
    #expect(throws: StoreError.self) { try rows.optionalDouble(0, 1) }
    #expect(throws: StoreError.self) { try rows.hash(0, 2) }
    #expect(throws: StoreError.self) { try rows.text(0, 9) }
    #expect(throws: StoreError.self) { try rows.text(9, 0) }
  }

  // MARK: Statements

  @Test func `statements sent together are one transaction`() throws {
    let connection = try open()
    try connection.script("CREATE TABLE t (a BIGINT PRIMARY KEY)")
    func insert(_ number: Int64) -> PostgresStatement {
      PostgresStatement("INSERT INTO t VALUES ($1)", [.integer(number)])
    }
    #expect(try connection.pipeline((0..<3000).map(insert)) == Array(repeating: 1, count: 3000))
    #expect(throws: StoreError.self) { try connection.pipeline([insert(5000), insert(7), insert(5001)]) }
    #expect(connection.lastErrorCode == "23505")
    #expect(connection.isIdle)
    #expect(try connection.query("SELECT count(*) FROM t").integer(0, 0) == 3000)
    #expect(try connection.pipeline([]) == [])
  }

  @Test func `a copy that is given up leaves nothing, and the connection goes on`() throws {
    let connection = try open()
    try connection.script("CREATE TABLE t (a BIGINT)")
    do {
      let copy = try PostgresCopy(connection, into: "t", columns: 1)
      for number in 0..<50_000 as Range<Int64> { try copy.row { $0.put(field: number) } }
    }
    #expect(connection.isIdle)
    #expect(try connection.query("SELECT count(*) FROM t").integer(0, 0) == 0)
    let copy = try PostgresCopy(connection, into: "t", columns: 1)
    for number in 0..<50_000 as Range<Int64> { try copy.row { $0.put(field: number) } }
    try copy.finish()
    #expect(try connection.query("SELECT sum(a)::BIGINT FROM t").integer(0, 0) == 50_000 * 49_999 / 2)
  }

  @Test func `what the server remarks is heard`() async throws {
    let address = try PostgresLocation(server.address())
    await confirmation { heard in
      let connection = try? PostgresConnection(address) { notice in
        if notice.contains("hello") { heard() }
      }
      try? connection?.script("DO $$ BEGIN RAISE NOTICE 'hello'; END $$")
    }
  }

  @Test func `a pool lends no more than it may, and nothing that is broken`() throws {
    var limits = PostgresLimits()
    (limits.connections, limits.lockSeconds) = (2, 1)
    let pool = try PostgresPool(PostgresLocation(server.address()), limits)
    func id(_ connection: PostgresConnection) throws -> Int64 {
      try connection.query("SELECT pg_backend_pid()").integer(0, 0)
    }
    let first = try pool.withConnection(id)
    #expect(try pool.withConnection(id) == first)
    let second = try pool.withConnection { one in
      let second = try pool.withConnection { two in
        #expect(throws: StoreError.self) { try pool.withConnection { _ in } }
        return try id(two)
      }
      #expect(second != first)
      try one.script("BEGIN")
      return second
    }
    try pool.withConnection { connection in
      let current = try id(connection)
      #expect(current == second)
      // The server sees a moment later that the other one has gone.
      var left: Int64 = 1
      for _ in 0..<6000 where left > 0 {
        try connection.script("SELECT pg_sleep(0.01)")
        left = try connection.query("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", [.integer(first)])
          .integer(0, 0)
      }
      #expect(left == 0)
    }
  }
}

import Market
import TestSupport
import Testing

@testable import Storage

/// Who reads which part of a stream, on both kinds of store.
struct StreamCheckpointTests {
  private let places = StorePlaces()

  private static func row(
    _ shard: String, _ owner: String?, _ counter: Int64, _ position: String = ""
  ) -> StreamCheckpoint {
    StreamCheckpoint(shard: shard, owner: owner, counter: counter, position: position)
  }

  @Test(arguments: StoreKind.allCases)
  func `rows come back as they were, by stream and group`(kind: StoreKind) throws {
    let digits = String(repeating: "9", count: 129)
    let rows = [
      Self.row("shardId-000000000000", "it's \"me\"", .max, digits), Self.row("shardId-000000000001", nil, -1),
      Self.row("ü", "two", 3, "SHARD_END"),
    ]
    for (stream, group) in [("s", "g"), ("s", "other"), ("t", "g")] {
      let store = try places.open(kind)
      for row in rows.reversed() { #expect(try store.write(row, stream: stream, group: group, replacing: nil)) }
      #expect(try store.checkpoints(stream: stream, group: group) == rows)
    }
    let store = try places.open(kind)
    #expect(try store.checkpoints(stream: "s", group: "g") == rows)
    #expect(try store.checkpoints(stream: "s", group: "none").isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func `a row is written by whoever has seen its last change, and by nobody else`(kind: StoreKind) throws {
    let store = try places.open(kind)
    func write(_ row: StreamCheckpoint, _ counter: Int64?) throws -> Bool {
      try store.write(row, stream: "s", group: "g", replacing: counter)
    }
    #expect(try !write(Self.row("a", "one", 1), 0))
    #expect(try write(Self.row("a", "one", 1), nil))
    #expect(try !write(Self.row("a", "two", 1), nil))
    #expect(try write(Self.row("a", "one", 2, "5"), 1))
    #expect(try !write(Self.row("a", "two", 2), 1))
    #expect(try !store.write(Self.row("a", "two", 3), stream: "s", group: "other", replacing: 2))
    #expect(try store.checkpoints(stream: "s", group: "g") == [Self.row("a", "one", 2, "5")])
  }

  @Test func `of several processes that want a row at once one has it`() async throws {
    let location = try PostgresLocation(try places.postgres().address)
    _ = try places.openPostgres()
    for round in 0..<20 {
      let winners = try await withThrowingTaskGroup { group in
        for number in 0..<4 {
          group.addTask {
            let store = try PostgresStore(location, mode: .existing)
            return try store.write(
              Self.row("a", "\(number)", Int64(round) + 1), stream: "s", group: "g",
              replacing: round == 0 ? nil : Int64(round)) ? number : nil
          }
        }
        return try await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
      }
      #expect(winners.count == 1)
      let row = try places.openPostgres().checkpoints(stream: "s", group: "g")
      #expect(row == [Self.row("a", winners.first.map { "\($0)" }, Int64(round) + 1)])
    }
  }

  @Test func `a file of the version before has no rows when it is read, and takes some when it is written`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("old.duckdb")
    try StoreSchema.create(in: DuckDBSession(file: path, name: path), version: 3)
    do {
      let store = try DuckDBStore(path: path, mode: .readOnly)
      #expect(try store.checkpoints(stream: "s", group: "g").isEmpty)
    }
    let store = try DuckDBStore(path: path, mode: .existing)
    #expect(try store.write(Self.row("a", "one", 1), stream: "s", group: "g", replacing: nil))
  }
}

import FoundationEssentials
import Glibc
import Market
import Platform
import TestSupport
import Testing

@testable import Storage

/// A store that is lent while it is open. `LifeTests` reads the copies.
struct StoreLenderTests {
  private let folder: TemporaryFolder
  private let store: DuckDBStore

  init() throws {
    folder = try TemporaryFolder()
    store = try DuckDBStore(path: folder.file("lent.duckdb"))
  }

  @Test func `a borrower copies while the store holds still`() throws {
    let lender = try StoreLender(path: store.path)
    try lend(once: lender)
    let path = try #require(try DuckDBStore.copyLent(store.path))
    let copy = try DuckDBStore(copy: path, of: "lent", memoryMegabytes: 64)
    #expect(copy.name == "lent")
    #expect(try copy.status().isEmpty)
    lender.stop()
    #expect(lender.next() == nil)
  }

  private func lend(once lender: StoreLender) throws {
    try DedicatedThread.start { _ = lender.next()?.copies(withinMilliseconds: 60_000) }
  }

  @Test func `a borrower that says nothing is waited for no longer than agreed`() throws {
    let lender = try StoreLender(path: store.path)
    let silent = try #require(StoreSocket.connected(to: store.path))
    let borrower = try #require(lender.next())
    #expect(!borrower.copies(withinMilliseconds: 10))
    #expect(silent.receive(withinMilliseconds: 0) == .still)
    #expect(silent.receive(withinMilliseconds: 0) == nil)
  }

  @Test func `a borrower that is gone holds nothing up`() throws {
    let lender = try StoreLender(path: store.path)
    do { _ = try #require(StoreSocket.connected(to: store.path)) }
    #expect(try #require(lender.next()).copies(withinMilliseconds: 60_000) == false)
  }

  @Test func `a copy whose owner went on is no copy`() throws {
    let owner = try StoreSocket.listening(for: store.path)
    try DedicatedThread.start { _ = owner.accept()?.send(.still) }
    #expect(throws: StoreError.self) { _ = try DuckDBStore.copyLent(store.path) }
    #expect(try files().filter { $0.contains(".copy-") }.isEmpty)
  }

  @Test func `nobody lends a store that nobody has open`() throws {
    #expect(try DuckDBStore.copyLent(store.path) == nil)
    let lender = try StoreLender(path: store.path)
    lender.stop()
    #expect(throws: StoreError.self) { _ = try StoreLender(path: folder.file("another.duckdb")) }
  }

  @Test func `a copy that somebody was killed over is removed by the next who asks`() throws {
    var killed = pid_t.max
    while kill(killed, 0) == 0 || errno != ESRCH { killed -= 1 }
    let abandoned = folder.file("lent.duckdb.copy-\(killed)")
    for path in [abandoned, abandoned + ".wal"] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    let lender = try StoreLender(path: store.path)
    try lend(once: lender)
    _ = try DuckDBStore.copyLent(store.path)
    #expect(try files().filter { $0.contains("\(killed)") }.isEmpty)
  }

  private func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path) }
}

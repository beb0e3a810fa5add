import Market
import TestSupport
import Testing

@testable import Storage

struct TableBlockTests {
  private static let kinds: [ColumnKind] = [
    .boolean, .integer, .unsigned, .double, .text, .json, .instant, .wallTime, .date, .decimal(scale: 8),
    .decimal(scale: 18),
  ]

  private func values(_ kind: ColumnKind, _ count: Int, using random: inout SplitMix64) -> ColumnValues {
    let nulls = Bool.random(using: &random) ? (0..<count).map { _ in Bool.random(using: &random) } : []
    func isNull(_ row: Int) -> Bool { !nulls.isEmpty && nulls[row] }
    let storage: ColumnValues.Storage
    switch kind {
    case .text, .json:
      storage = .texts(
        (0..<count).map { isNull($0) ? "" : String(repeating: "ä", count: .random(in: 0..<9, using: &random)) })
    case .double:
      storage = .doubles((0..<count).map { isNull($0) ? 0 : .random(in: -1e9...1e9, using: &random) })
    case .decimal:
      let limit: Int128 = Bool.random(using: &random) ? 1000 : 99_999_999_999_999_999_999
      storage = .units((0..<count).map { isNull($0) ? 0 : .random(in: -limit...limit, using: &random) })
    default:
      storage = .words((0..<count).map { isNull($0) ? 0 : .random(in: .min ... .max, using: &random) })
    }
    return ColumnValues(kind, storage, nulls: nulls)
  }

  @Test(arguments: Soak.seeds(20))
  func `a batch is read as it was written`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let kinds = (0..<8).map { _ in Self.kinds.randomElement(using: &random)! }
    let count = Int.random(in: 1...300, using: &random)
    let batch = TableBatch(count: count, columns: kinds.map { values($0, count, using: &random) })
    let columns = kinds.enumerated().map { StoredColumn("c\($0)", $1) }
    #expect(TableBlock.decode(TableBlock.encode(batch), columns) == batch, "seed \(seed)")
  }

  @Test(arguments: Soak.seeds(20))
  func `bytes that are no batch are refused, whatever they are`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let kinds = (0..<4).map { _ in Self.kinds.randomElement(using: &random)! }
    let columns = kinds.enumerated().map { StoredColumn("c\($0)", $1) }
    let whole = TableBlock.encode(TableBatch(count: 20, columns: kinds.map { values($0, 20, using: &random) }))
    for _ in 0..<200 {
      var bytes = whole
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
      if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
      // Values may have changed; that is for the checksum. Here it only must not crash.
      let read = TableBlock.decode(bytes, columns)
      #expect(read?.columns.count ?? 4 == 4)
    }
    #expect(TableBlock.decode(Array(whole.dropLast()), columns) == nil)
    #expect(TableBlock.decode(whole + [0], columns) == nil)
    #expect(TableBlock.decode([], columns) == nil)
  }

  @Test func `values become another kind only if none is lost`() {
    let words = ColumnValues(.unsigned, .words([-1, 0, 5]))
    #expect(words.converted(to: .decimal(scale: 0))?.storage == .units([Int128(UInt64.max), 0, 5]))
    #expect(words.converted(to: .decimal(scale: 0))?.converted(to: .unsigned) == words)
    #expect(words.converted(to: .integer) == nil)
    #expect(ColumnValues(.integer, .words([-1])).converted(to: .unsigned) == nil)
    #expect(
      ColumnValues(.decimal(scale: 8), .units([100_000_000])).converted(to: .integer)?.storage == .words([1]))
    #expect(ColumnValues(.decimal(scale: 8), .units([100_000_001])).converted(to: .integer) == nil)
    #expect(ColumnValues(.decimal(scale: 2), .units([.max])).converted(to: .decimal(scale: 18)) == nil)
    #expect(ColumnValues(.instant, .words([7])).converted(to: .wallTime)?.storage == .words([7]))
    #expect(ColumnValues(.text, .texts(["1"])).converted(to: .integer) == nil)
  }

  @Test func `the digest of rows does not depend on their order, but on everything else`() {
    func digest(_ rows: [(Int64, String?)]) -> ContentDigest {
      var digest = ContentDigest()
      for row in rows {
        digest.add(
          TableBatch(
            count: 1,
            columns: [
              ColumnValues(.integer, .words([row.0])),
              ColumnValues(.text, .texts([row.1 ?? ""]), nulls: [row.1 == nil]),
            ]))
      }
      return digest
    }
    #expect(digest([(1, "a"), (2, "b")]) == digest([(2, "b"), (1, "a")]))
    #expect(digest([(1, "a"), (2, "b")]) != digest([(1, "b"), (2, "a")]))
    #expect(digest([(1, "")]) != digest([(1, nil)]))
    #expect(digest([(1, "a")]) != digest([(1, "a"), (1, "a")]))
  }
}

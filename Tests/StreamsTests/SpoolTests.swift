import Market
import TestSupport
import Testing

@testable import Streams

struct SpoolTests {
  @Test(arguments: Soak.seeds(50)) func `nothing is forgotten before it is settled, and order is kept`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var spool = Spool(mostRecords: 20, mostBytes: 4000)
    var (next, clock) = (0, UInt64(0))
    var held: [(number: Int, id: EntryID?)] = []
    for _ in 0..<500 {
      switch Int.random(in: 0..<5, using: &random) {
      case 0:
        let wanted = records(next..<next + Int.random(in: 1...8, using: &random))
        let taken = spool.append(wanted[...]) { $0.number % 2 }
        held += wanted.prefix(taken).map { ($0.number, nil) }
        next += taken
        #expect(spool.count <= 20)
      case 1, 2:
        let batch = spool.unsent(.random(in: 1...10, using: &random))
        #expect(batch.map(\.record.number) == held.filter { $0.id == nil }.prefix(batch.count).map(\.number))
        let ids = batch.map { _ in
          clock += 1
          return EntryID(milliseconds: clock, number: 0)
        }
        spool.sent(ids)
        for (entry, id) in zip(batch, ids) {
          if let index = held.firstIndex(where: { $0.number == entry.record.number }) { held[index].id = id }
        }
      case 3:
        let (shard, last) = (
          Int.random(in: 0...1, using: &random),
          EntryID(milliseconds: .random(in: 0...clock, using: &random), number: 0)
        )
        let gone = held.filter { entry in entry.number % 2 == shard && entry.id.map { $0 <= last } == true }
        #expect(spool.settle(shard, upTo: last) == gone.count, "seed \(seed)")
        held.removeAll { entry in gone.contains { $0.number == entry.number } }
      default:
        guard Int.random(in: 0..<10, using: &random) == 0 else { continue }
        #expect(spool.forgetSent() == held.count { $0.id != nil }, "seed \(seed)")
        for index in held.indices { held[index].id = nil }
      }
      #expect(spool.count == held.count, "seed \(seed)")
      #expect(spool.unsentCount == held.count { $0.id == nil }, "seed \(seed)")
    }
  }

  @Test func `one record fits into an empty spool however large`() {
    var spool = Spool(mostRecords: 10, mostBytes: 100)
    let large = StreamRecord(id: "a", key: "A", body: Array(repeating: 0, count: 1000))
    #expect(spool.append([large, large]) { _ in 0 } == 1)
  }
}

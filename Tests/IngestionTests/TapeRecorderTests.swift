import Dispatch
import Ingestion
import Tape
import TestSupport
import Testing

struct TapeRecorderTests {
  private func record(_ number: Int, bytes: Int = 10) -> TapeRecord {
    TapeRecord(
      arrivalNanoseconds: Int64(number) * 1_000_000, source: "a/\(number % 3)", kind: .text,
      payload: Array("\(number)".utf8) + [UInt8](repeating: 32, count: bytes))
  }

  private func records(in folder: TemporaryFolder) throws -> [TapeRecord] {
    let reader = try TapeReader(folder.file("tape"))
    var records: [TapeRecord] = []
    while let record = try reader.next() { records.append(record) }
    return records
  }

  @Test func `what was handed over can be read after a flush, in order`() async throws {
    let folder = try TemporaryFolder()
    let tape = try TapeRecorder(TapeWriter(folder: folder.file("tape")), folder: folder.file("tape"))
    var expected: [TapeRecord] = []
    for round in 0..<20 {
      for number in round * 50..<(round + 1) * 50 {
        expected.append(record(number))
        tape.append(record(number))
      }
      await tape.flush()
      #expect(tape.facts.counts.records == expected.count)
      if round.isMultiple(of: 7) { #expect(try records(in: folder) == expected) }
    }
    tape.append(record(1000))
    await tape.close()
    #expect(try records(in: folder) == expected + [record(1000)])
    #expect(tape.facts.failure == nil && tape.facts.counts.dropped == 0)
    tape.append(record(1001))
    await tape.flush()
    #expect(tape.facts.counts.dropped == 1)
    // The folder is free again.
    _ = try TapeWriter(folder: folder.file("tape"))
  }

  /// A recorder whose disk takes nothing before the semaphore is signalled.
  private func hanging(_ folder: TemporaryFolder, capacityBytes: Int = 1 << 20) throws -> (
    TapeRecorder, DispatchSemaphore
  ) {
    let disk = DispatchSemaphore(value: 0)
    let tape = try TapeRecorder(
      TapeWriter(folder: folder.file("tape")), folder: folder.file("tape"), capacityBytes: capacityBytes,
      beforeWriting: { disk.wait() })
    return (tape, disk)
  }

  @Test func `a disk that hangs is waited for until somebody gives up, and then recording ends`() async throws {
    let folder = try TemporaryFolder()
    let (tape, disk) = try hanging(folder)
    tape.append(record(1))
    async let flushed: Void = tape.flush()
    while !tape.isBusy { await Task.yield() }
    #expect(tape.passes == 0)
    tape.giveUp("the disk has taken nothing for 10 s")
    await flushed
    tape.append(record(2))
    await tape.flush()
    await tape.close()
    let failure = try #require(tape.facts.failure)
    #expect("\(failure)".contains("the disk has taken nothing for 10 s"))
    #expect(tape.facts.counts.dropped >= 1)
    disk.signal()
  }

  @Test func `a full queue ends recording instead of growing`() async throws {
    let folder = try TemporaryFolder()
    let (tape, disk) = try hanging(folder, capacityBytes: 100_000)
    for number in 0..<500 { tape.append(record(number, bytes: 1000)) }
    let failure = try #require(tape.facts.failure)
    #expect("\(failure)".contains("wait for a disk that does not take them"))
    #expect(tape.facts.counts.dropped >= 400)
    disk.signal()
    disk.signal()
  }
}

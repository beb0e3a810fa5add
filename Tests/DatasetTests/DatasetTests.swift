import Dataset
import FoundationEssentials
import Market
import TestSupport
import Testing

struct DatasetTests {
  @Test func `reads back what was written`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/d"
    let digest = try sampleWriter(rows: 100).write(to: path)
    let dataset = try Dataset(path: path)
    #expect(dataset.digest == digest)
    #expect(dataset.rowCount == 100)
    #expect(dataset.closes[7] == 7.5)
    #expect(dataset.features[7 * 3 + 2] == 9)
    #expect(dataset.features[7 * 3].isNaN)
    #expect(dataset.minuteCloses.last == 99.5)
    #expect(dataset.decisionTime(3) == Timestamp(minute: 4))
  }

  @Test func `the same rows give the same file`() throws {
    let folder = try TemporaryFolder()
    let first = try sampleWriter(rows: 50).write(to: folder.path + "/1")
    let second = try sampleWriter(rows: 50).write(to: folder.path + "/2")
    #expect(first == second)
  }

  @Test(arguments: [0, 5, 70, 200, 1000, -1])
  func `a file cut anywhere is refused`(length: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/d"
    _ = try sampleWriter(rows: 100).write(to: path)
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    bytes.removeLast(length < 0 ? 1 : bytes.count - length)
    try Data(bytes).write(to: URL(filePath: path))
    #expect(throws: DatasetError.self) { _ = try Dataset(path: path) }
  }

  @Test(arguments: 0..<30)
  func `one flipped bit is noticed`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let folder = try TemporaryFolder()
    let path = folder.path + "/d"
    _ = try sampleWriter(rows: 20).write(to: path)
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    bytes[Int.random(in: bytes.indices, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    try Data(bytes).write(to: URL(filePath: path))
    #expect(throws: DatasetError.self) { _ = try Dataset(path: path) }
  }

  @Test func `a full or missing folder is an error that names the file`() {
    #expect(throws: DatasetError.self) { _ = try sampleWriter(rows: 1).write(to: "/nonexistent/d") }
    #expect(throws: DatasetError.self) { _ = try Dataset(path: "/nonexistent/d") }
  }

  private func sampleWriter(rows: Int) -> DatasetWriter {
    let view = MarketView(price: Series(.binance, .btcusdt))
    let header = DatasetHeader(
      view: view, anchor: Timestamp(minute: 0), from: Timestamp(minute: 0), to: Timestamp(minute: 1000), asOf: nil,
      featureNames: ["a", "b", "c"], featureSetHash: "h", isSynthetic: false)
    var writer = DatasetWriter(header: header, expectedRows: rows)
    for row in 0..<rows {
      let openTime = Timestamp(minute: Int64(row))
      let price = Double(row)
      writer.append(
        DatasetRow(
          openTime: openTime, availableAt: openTime.adding(minutes: 1), open: price, close: price + 0.5,
          candlesSinceRestart: Int32(row), isNearAmendment: false),
        vector: [.nan, Float(row) + 1, Float(row) + 2])
      writer.appendMinute(openTime: openTime, open: price, close: price + 0.5)
    }
    return writer
  }
}

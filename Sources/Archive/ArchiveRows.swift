/// The records of a file as rows, with its bad ones refused or counted.
final class ArchiveRows {
  private static let listed = 100

  private(set) var read = 0
  private(set) var skipped = 0
  private(set) var badRows: [String] = []
  private let reader: AvroReader
  private let skipsBadRows: Bool

  init(_ reader: AvroReader, skipsBadRows: Bool) { (self.reader, self.skipsBadRows) = (reader, skipsBadRows) }

  var name: String { reader.name }

  /// The next rows, at least one; `nil` at the proper end of the file.
  func next<Row>(_ make: (AvroValue) throws(BadRecord) -> Row) throws(ArchiveError) -> [Row]? {
    var rows: [Row] = []
    while rows.isEmpty {
      guard let batch = try batch() else { return nil }
      for value in batch {
        read += 1
        do throws(BadRecord) { rows.append(try make(value)) } catch { try refuse(error) }
      }
    }
    return rows
  }

  private func batch() throws(ArchiveError) -> [AvroValue]? {
    do throws(AvroError) { return try reader.next() } catch { throw .avro(error) }
  }

  private func refuse(_ bad: BadRecord) throws(ArchiveError) {
    guard skipsBadRows else { throw .badRow(file: name, row: read, reason: bad.reason) }
    skipped += 1
    if badRows.count < Self.listed { badRows.append("\(name): record \(read): \(bad.reason)") }
  }
}

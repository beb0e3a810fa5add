internal import FoundationEssentials
package import Market
package import Tape

extension LiveTape {
  /// The recorder's mark of a version that answers from here on.
  package static let served = TapeKind(rawValue: 20)
  private static let registry = "registry"

  package static func record(_ served: LiveStart.ServedTarget, at time: Timestamp) throws -> TapeRecord {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return TapeRecord(
      arrivalNanoseconds: time.microseconds * 1000, source: registry, kind: Self.served,
      payload: Array(try encoder.encode(served)))
  }

  /// What answers for a target after the inputs before this record; `nil` for any other record.
  package static func served(of record: TapeRecord) throws -> LiveStart.ServedTarget? {
    guard record.kind == Self.served else { return nil }
    do { return try JSONDecoder().decode(LiveStart.ServedTarget.self, from: Data(record.payload)) } catch {
      throw LiveTapeError.unreadable(source: record.source, reason: "a version that cannot be read: \(error)")
    }
  }
}

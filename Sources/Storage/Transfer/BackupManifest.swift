internal import FoundationEssentials
package import Market

/// What a backup says of itself; JSON behind the tables.
package struct BackupManifest: Hashable, Codable, Sendable {
  static let newestFormat = 1

  package struct Table: Hashable, Codable, Sendable {
    package let table: StoredTable
    package let rows: Int
    /// `ContentDigest` of the rows.
    package let digest: String
    /// Where its blocks stand in the file.
    let offset: Int
    let bytes: Int
    /// Of those bytes.
    let sha256: String
  }

  package let format: Int
  package let madeAt: Timestamp
  /// The database that it was made of.
  package let engine: String
  package let schemaVersion: Int
  package let tables: [Table]

  package var rows: Int { tables.reduce(0) { $0 + $1.rows } }

  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  private struct Format: Decodable {
    let format: Int
  }

  static func decode(_ bytes: [UInt8], path: String) throws(TransferError) -> BackupManifest {
    let data = Data(bytes)
    guard let format = try? JSONDecoder().decode(Format.self, from: data).format else {
      throw .damaged(path: path, reason: "its list of tables cannot be read")
    }
    guard format <= newestFormat else { throw .newerFormat(path: path, found: format) }
    guard let manifest = try? JSONDecoder().decode(BackupManifest.self, from: data) else {
      throw .damaged(path: path, reason: "its list of tables cannot be read")
    }
    return manifest
  }
}

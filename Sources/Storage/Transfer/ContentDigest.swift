/// What rows say, whatever their order: equal for two tables of the same rows. Not a protection against forgery.
package struct ContentDigest: Hashable, Sendable {
  package private(set) var rows = 0
  private var sum: UInt64 = 0

  package init() {}

  package mutating func add(_ batch: TableBatch) {
    var hashes = [UInt64](repeating: 0x9E37_79B9_7F4A_7C15, count: batch.count)
    for column in batch.columns { Self.fold(column, into: &hashes) }
    for hash in hashes { sum &+= hash }
    rows += batch.count
  }

  /// Sixteen lower-case hexadecimal digits.
  package var text: String {
    let digits = String(sum, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func fold(_ column: ColumnValues, into hashes: inout [UInt64]) {
    switch column.storage {
    case .words(let values):
      for row in values.indices { hashes[row] = mixed(hashes[row] ^ UInt64(bitPattern: values[row])) }
    case .units(let values):
      for row in values.indices {
        let bits = UInt128(bitPattern: values[row])
        let low = mixed(hashes[row] ^ UInt64(truncatingIfNeeded: bits))
        hashes[row] = mixed(low ^ UInt64(truncatingIfNeeded: bits >> 64))
      }
    case .doubles(let values):
      for row in values.indices { hashes[row] = mixed(hashes[row] ^ values[row].bitPattern) }
    case .texts(let values) where column.kind == .json:
      for row in values.indices {
        let value = JSONDigest.of(values[row]) ?? folded(values[row], into: 6)
        hashes[row] = mixed(hashes[row] ^ value)
      }
    case .texts(let values):
      for row in values.indices { hashes[row] = folded(values[row], into: hashes[row]) }
    }
    guard !column.nulls.isEmpty else { return }
    for row in column.nulls.indices where column.nulls[row] { hashes[row] = mixed(hashes[row] &+ 1) }
  }

  static func folded(_ text: String, into hash: UInt64) -> UInt64 {
    var text = text
    return text.withUTF8 { bytes in
      var (hash, place) = (hash ^ UInt64(bytes.count), 0)
      let raw = UnsafeRawBufferPointer(bytes)
      while place + 8 <= raw.count {
        hash = mixed(hash ^ raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        place += 8
      }
      var rest: UInt64 = 0
      while place < raw.count {
        rest = rest << 8 | UInt64(raw[place])
        place += 1
      }
      return mixed(hash ^ rest)
    }
  }

  static func mixed(_ value: UInt64) -> UInt64 {
    var bits = value &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }
}

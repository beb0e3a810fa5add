import Market

/// Takes the rows out of what a binary `COPY … TO STDOUT` gives, piece by piece.
///
/// Nothing that a server says is taken on trust: a value of another length or kind than the column should have is an
/// error.
struct PostgresCopiedRows {
  private let path: String
  private let columns: [String]
  private var hasBegun = false

  /// Signature, flags, and the length of an extension that there is none of.
  private static let headerLength = 19

  /// - Parameter columns: their names, for errors.
  init(columns: [String], path: String) { (self.columns, self.path) = (columns, path) }

  /// Calls `body` with each row of a piece, which the server ends between two rows.
  mutating func read(
    _ piece: UnsafeRawBufferPointer, _ body: (inout PostgresCopiedRow) throws(StoreError) -> Void
  ) throws(StoreError) {
    var row = PostgresCopiedRow(piece, columns, path: path)
    if !hasBegun {
      hasBegun = true
      try row.skip(Self.headerLength)
    }
    while !row.isAtEnd {
      let count = Int(try row.word())
      if count == -1 { return }
      guard count == columns.count else {
        throw .corrupt(path: path, reason: "a row has \(count) columns instead of \(columns.count)")
      }
      row.begin()
      try body(&row)
    }
  }
}

/// The fields of one row, to be taken in order.
struct PostgresCopiedRow {
  private let bytes: UnsafeRawBufferPointer
  private let columns: [String]
  private let path: String
  private var offset = 0
  /// Fields of this row that were taken.
  private var taken = 0

  fileprivate init(_ bytes: UnsafeRawBufferPointer, _ columns: [String], path: String) {
    (self.bytes, self.columns, self.path) = (bytes, columns, path)
  }

  fileprivate mutating func begin() { taken = 0 }

  fileprivate var isAtEnd: Bool { offset >= bytes.count }

  fileprivate mutating func skip(_ count: Int) throws(StoreError) { _ = try take(count) }

  fileprivate mutating func word() throws(StoreError) -> Int16 {
    Int16(bigEndian: try take(2).loadUnaligned(as: Int16.self))
  }

  private mutating func take(_ count: Int) throws(StoreError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= bytes.count - offset else {
      throw .corrupt(path: path, reason: "a row ends before its end")
    }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// `nil` for null.
  private mutating func field() throws(StoreError) -> UnsafeRawBufferPointer? {
    taken += 1
    let length = Int32(bigEndian: try take(4).loadUnaligned(as: Int32.self))
    return length == -1 ? nil : try take(Int(length))
  }

  // MARK: Values

  mutating func optionalDecimal() throws(StoreError) -> Decimal8? {
    guard let field = try field() else { return nil }
    guard let decimal = PostgresNumeric(field)?.decimal else { throw improper("a NUMERIC(20,8)") }
    return decimal
  }

  mutating func decimal() throws(StoreError) -> Decimal8 {
    guard let decimal = try optionalDecimal() else { throw improper("a NUMERIC(20,8)") }
    return decimal
  }

  mutating func time() throws(StoreError) -> Timestamp {
    guard let field = try field(), field.count == 8,
      let time = Timestamp(postgresMicroseconds: Int64(bigEndian: field.loadUnaligned(as: Int64.self)))
    else { throw improper("a time") }
    return time
  }

  /// Of exactly this width.
  mutating func optional<Value: FixedWidthInteger>(_ type: Value.Type) throws(StoreError) -> Value? {
    guard let field = try field() else { return nil }
    guard field.count == MemoryLayout<Value>.size else { throw improper("\(Value.bitWidth) bits") }
    return Value(bigEndian: field.loadUnaligned(as: Value.self))
  }

  mutating func value<Value: FixedWidthInteger>(_ type: Value.Type) throws(StoreError) -> Value {
    guard let value = try optional(type) else { throw improper("\(Value.bitWidth) bits") }
    return value
  }

  private func improper(_ wanted: String) -> StoreError {
    let column = taken <= columns.count ? columns[taken - 1] : "number \(taken)"
    return .corrupt(path: path, reason: "the column \(column) has something else than \(wanted)")
  }
}

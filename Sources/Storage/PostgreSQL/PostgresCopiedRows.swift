import Market

/// Takes the rows out of what a binary `COPY … TO STDOUT` gives, piece by piece.
///
/// Nothing that a server says is taken on trust: a value of another length or kind than the column should have is an
/// error.
struct PostgresCopiedRows {
  private let path: String
  private let columns: Int
  private var hasBegun = false

  /// Signature, flags, and the length of an extension that there is none of.
  private static let headerLength = 19

  init(columns: Int, path: String) { (self.columns, self.path) = (columns, path) }

  /// Calls `body` with each row of a piece, which the server ends between two rows.
  mutating func read(
    _ piece: UnsafeRawBufferPointer, _ body: (inout PostgresCopiedRow) throws(StoreError) -> Void
  ) throws(StoreError) {
    var row = PostgresCopiedRow(piece, path: path)
    if !hasBegun {
      hasBegun = true
      try row.skip(Self.headerLength)
    }
    while !row.isAtEnd {
      let count = Int(try row.word())
      if count == -1 { return }
      guard count == columns else { throw row.improper("\(columns) columns, not \(count)") }
      try body(&row)
    }
  }
}

/// The fields of one row, to be taken in order.
struct PostgresCopiedRow {
  private let bytes: UnsafeRawBufferPointer
  private let path: String
  private var offset = 0

  fileprivate init(_ bytes: UnsafeRawBufferPointer, path: String) { (self.bytes, self.path) = (bytes, path) }

  fileprivate var isAtEnd: Bool { offset >= bytes.count }

  fileprivate mutating func skip(_ count: Int) throws(StoreError) { _ = try take(count) }

  fileprivate mutating func word() throws(StoreError) -> Int16 {
    Int16(bigEndian: try take(2).loadUnaligned(as: Int16.self))
  }

  private mutating func take(_ count: Int) throws(StoreError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= bytes.count - offset else { throw improper("\(count) more bytes") }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// `nil` for null.
  private mutating func field() throws(StoreError) -> UnsafeRawBufferPointer? {
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

  fileprivate func improper(_ wanted: String) -> StoreError {
    .corrupt(path: path, reason: "byte \(offset) of rows that were copied begins something else than \(wanted)")
  }
}

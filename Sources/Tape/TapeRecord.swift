/// One thing that happened, as it came: bytes, when and from where.
package struct TapeRecord: Hashable, Sendable {
  /// Since 1970, by the recorder's clock; it may step back where that clock does.
  package var arrivalNanoseconds: Int64
  /// Such as `binance/socket/1`.
  package var source: String
  package var kind: TapeKind
  package var payload: [UInt8]

  package init(arrivalNanoseconds: Int64, source: String, kind: TapeKind, payload: [UInt8]) {
    (self.arrivalNanoseconds, self.source, self.kind, self.payload) = (arrivalNanoseconds, source, kind, payload)
  }
}

/// What a record is. A tape keeps any number, so that newer recorders' tapes can be read.
package struct TapeKind: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// What the core started from, as JSON.
  package static let start = TapeKind(rawValue: 1)
  /// A socket was opened.
  package static let opened = TapeKind(rawValue: 2)
  /// A text frame.
  package static let text = TapeKind(rawValue: 3)
  /// A binary frame.
  package static let binary = TapeKind(rawValue: 4)
  /// A socket was closed.
  package static let closed = TapeKind(rawValue: 5)
  /// A `TapeAnswer`.
  package static let answer = TapeKind(rawValue: 6)
  /// The clock's tick.
  package static let tick = TapeKind(rawValue: 7)
  /// Another model version is served from here on.
  package static let version = TapeKind(rawValue: 8)
  /// The recorder ended by itself.
  package static let stop = TapeKind(rawValue: 9)
}

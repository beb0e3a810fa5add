import Market

/// Binance's market streams in Simple Binary Encoding: package `spot_stream`, schema 1, little endian, unaligned.
///
/// One message a frame. Numbers are integers with one power of ten a message for prices and one for quantities, so they
/// become `Decimal8` exactly or not at all.
package enum SBE {
  static let schemaId: UInt16 = 1
  static let headerLength = 8
  /// More elements than any stream puts into one message.
  static let largestGroup = 10_000

  enum Template: UInt16 {
    case trades = 10_000
    case bestBidAsk = 10_001
    case depthSnapshot = 10_002
    case depthDiff = 10_003

    var blockLength: Int {
      switch self {
      case .trades, .depthSnapshot: 18
      case .bestBidAsk: 50
      case .depthDiff: 26
      }
    }
  }

  enum ElementLength {
    static let trade = 25
    static let level = 16
  }

  /// Powers of ten that a message's integers are multiplied with.
  package struct Exponents: Hashable, Sendable {
    package var price: Int8
    package var quantity: Int8

    package init(price: Int8 = -8, quantity: Int8 = -8) { (self.price, self.quantity) = (price, quantity) }
  }
}

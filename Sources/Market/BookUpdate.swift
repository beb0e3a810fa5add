/// A change of an order book, or all of it.
package struct BookUpdate: Hashable, Sendable {
  /// The whole book, up to the venue's depth; what was known before is void.
  package var isSnapshot: Bool
  /// The update ids that this one covers; equal for a snapshot. `nil` where the venue counts otherwise.
  package var firstId: Int64?
  package var lastId: Int64?
  package var time: Timestamp?
  package var bids: [Level]
  package var asks: [Level]

  /// Quantity is absolute; zero removes the level.
  package struct Level: Hashable, Sendable {
    package var price: Decimal8
    package var quantity: Decimal8

    package init(price: Decimal8, quantity: Decimal8) { (self.price, self.quantity) = (price, quantity) }
  }

  package init(
    isSnapshot: Bool, firstId: Int64?, lastId: Int64?, time: Timestamp? = nil, bids: [Level], asks: [Level]
  ) {
    (self.isSnapshot, self.firstId, self.lastId, self.time) = (isSnapshot, firstId, lastId, time)
    (self.bids, self.asks) = (bids, asks)
  }
}

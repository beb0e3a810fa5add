/// One trade, or several of one taker order at one price that a venue reports as one.
package struct Trade: Hashable, Sendable {
  /// Rises by one from trade to trade of an instrument, so that a jump shows what was missed.
  package var id: Int64
  package var time: Timestamp
  package var price: Decimal8
  /// In the base asset.
  package var quantity: Decimal8
  /// The taker bought; otherwise the taker sold.
  package var isTakerBuyer: Bool
  /// Single trades that this stands for.
  package var count: Int64

  package init(
    id: Int64, time: Timestamp, price: Decimal8, quantity: Decimal8, isTakerBuyer: Bool, count: Int64 = 1
  ) {
    (self.id, self.time, self.price, self.quantity) = (id, time, price, quantity)
    (self.isTakerBuyer, self.count) = (isTakerBuyer, count)
  }
}

/// The best bid and ask.
package struct Quote: Hashable, Sendable {
  /// Rises from quote to quote; smaller ones are stale.
  package var updateId: Int64?
  /// By the venue's clock; `nil` where the venue sends none.
  package var time: Timestamp?
  package var bidPrice: Decimal8
  package var bidQuantity: Decimal8
  package var askPrice: Decimal8
  package var askQuantity: Decimal8

  package init(
    updateId: Int64? = nil, time: Timestamp? = nil, bidPrice: Decimal8, bidQuantity: Decimal8, askPrice: Decimal8,
    askQuantity: Decimal8
  ) {
    (self.updateId, self.time) = (updateId, time)
    (self.bidPrice, self.bidQuantity) = (bidPrice, bidQuantity)
    (self.askPrice, self.askQuantity) = (askPrice, askQuantity)
  }
}

internal import Market

extension Quote {
  /// Of the first levels of a book; `nil` for a side without orders.
  init?(bids: [BookUpdate.Level], asks: [BookUpdate.Level], time: Timestamp?) {
    guard let bid = bids.first, let ask = asks.first else { return nil }
    self.init(
      time: time, bidPrice: bid.price, bidQuantity: bid.quantity, askPrice: ask.price, askQuantity: ask.quantity)
  }
}

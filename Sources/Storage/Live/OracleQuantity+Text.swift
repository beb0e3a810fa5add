import Market

/// How a quantity stands in a table.
extension OracleTick.Quantity {
  var name: String {
    switch self {
    case .price: "price"
    case .timeWeightedMean: "twap"
    }
  }

  var seconds: Int64? {
    switch self {
    case .price: nil
    case .timeWeightedMean(let seconds): Int64(seconds)
    }
  }

  init?(name: String, seconds: Int64?) {
    switch (name, seconds) {
    case ("price", nil): self = .price
    case ("twap", let seconds?): self = .timeWeightedMean(seconds: Int(seconds))
    default: return nil
    }
  }
}

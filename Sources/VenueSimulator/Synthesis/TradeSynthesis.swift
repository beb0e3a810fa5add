import Market

/// Makes trades inside a candle, the same ones for one seed whatever was asked before.
///
/// Always exact: the first price is the open, the last the close, high and low are touched and never passed, the
/// quantities add up to the volume and those of taker buys to theirs, and there are as many trades as the candle
/// says. The quote amounts are exact too wherever the prices and quantities in hand can give them, which fails in
/// minutes of a few trades only; there they are as near as the search finds.
struct TradeSynthesis {
  /// Minutes of more trades have some of them bundled, as one order that meets several others.
  static let mostAggregates: Int64 = 200

  let grid: PriceGrid
  let seed: UInt64

  // MARK: Columns

  /// The candle with every column.
  ///
  /// Where a file has only prices and volume, a minute gets 20 to 60 trades, 35 to 65 % of its volume is bought, and
  /// its mean price is that of open, high, low and close. A count that its prices or its volume contradict is moved
  /// to the nearest possible one; a minute without volume has no trades.
  func completed(_ candle: Candle) -> Candle {
    var random = SplitMix64(seed: seed ^ 0x5EED)
    let drawnCount = Int64.random(in: 20...60, using: &random)
    let drawnShare = Int64.random(in: 350...650, using: &random)
    let volume = candle.volume ?? grid.quantity(drawnCount * 1000)
    let steps = grid.steps(volume)
    var whole = candle
    whole.volume = volume
    guard steps > 0 else {
      whole.trades = 0
      (whole.quoteVolume, whole.takerBuyBase, whole.takerBuyQuote) = (.zero, .zero, .zero)
      return whole
    }
    let bought = candle.takerBuyBase.map(grid.steps) ?? Int64(Int128(steps) * Int128(drawnShare) / 1000)
    let least = Self.leastTrades(candle, isTwoSided: bought > 0 && bought < steps)
    whole.trades = min(max(candle.trades ?? drawnCount, least), max(steps, least))
    whole.takerBuyBase = grid.quantity(bought)
    let sum = [candle.open, candle.high, candle.low, candle.close].reduce(0) { $0 + Int128(grid.ticks($1)) }
    let amount = candle.quoteVolume.map(grid.gridAmount) ?? sum * Int128(steps) / 4
    whole.quoteVolume = candle.quoteVolume ?? grid.quoteAmount(amount)
    // The smaller side, which may be a single trade, gets a mean price that exists.
    let (mean, sold) = ((amount + Int128(steps) / 2) / Int128(steps), steps - bought)
    let boughtAmount = bought <= sold ? mean * Int128(bought) : amount - mean * Int128(sold)
    whole.takerBuyQuote = candle.takerBuyQuote ?? grid.quoteAmount(boughtAmount)
    return whole
  }

  /// Trades that it takes to touch every price, and both sides.
  private static func leastTrades(_ candle: Candle, isTwoSided: Bool) -> Int64 {
    guard candle.high > candle.low else { return isTwoSided ? 2 : 1 }
    let ends = [candle.open, candle.close]
    return 2 + (ends.contains(candle.high) ? 0 : 1) + (ends.contains(candle.low) ? 0 : 1)
  }

  /// - Parameter candle: completed.
  func aggregateCount(of candle: Candle) -> Int64 { min(candle.trades ?? 0, Self.mostAggregates) }

  // MARK: Trades

  /// - Parameter candle: completed.
  func minute(_ candle: Candle, firstTradeId: Int64, firstAggregateId: Int64) -> SynthesisedMinute {
    let count = Int(aggregateCount(of: candle))
    var result = SynthesisedMinute(candle: candle, aggregates: [], firstTradeId: firstTradeId, grid: grid)
    guard count > 0 else { return result }
    var random = SplitMix64(seed: seed)
    let times = (0..<count).map { _ in Int64.random(in: 0..<Timestamp.microsecondsPerMinute, using: &random) }.sorted()
    let plan = MinutePlan(candle, count: count, grid: grid, &random)
    let fill = plan.bestFill(&random)
    var tradeId = firstTradeId
    result.aggregates.reserveCapacity(count)
    for slot in 0..<count {
      let aggregate = AggregateTrade(
        id: firstAggregateId + Int64(slot), firstTradeId: tradeId, count: fill.counts[slot],
        time: candle.openTime.adding(microseconds: times[slot]), price: grid.price(fill.prices[slot]),
        quantity: grid.quantity(fill.quantities[slot]), isTakerBuyer: fill.isBuy[slot])
      tradeId += aggregate.count
      result.aggregates.append(aggregate)
    }
    return result
  }
}

/// What the slots of a minute must come to, in ticks and steps.
private struct MinutePlan {
  let count: Int
  let low: Int64
  let high: Int64
  /// Slots whose price is given: open, close, and high and low where those are neither.
  let fixed: [Int]
  /// Where the price would wander by itself.
  let path: [Int64]
  let buys: Side
  let sells: Side
  /// Trades beyond one a slot.
  let extraTrades: Int64
  /// The fixed slots that are at the high.
  let highSlot: Int?
  let lowSlot: Int?

  struct Side {
    var slots: Int
    var steps: Int64
    /// Ticks times steps.
    var amount: Int128
  }

  init(_ candle: Candle, count: Int, grid: PriceGrid, _ random: inout SplitMix64) {
    let (open, close) = (grid.ticks(candle.open), grid.ticks(candle.close))
    (low, high) = (grid.ticks(candle.low), grid.ticks(candle.high))
    self.count = count
    let needsHigh = high != open && high != close
    let needsLow = low != open && low != close
    let inner = Self.innerSlots(of: count, needsHigh, needsLow, &random)
    (highSlot, lowSlot) = inner
    var anchors: [(slot: Int, price: Int64)] = [(0, open)]
    if count > 1 { anchors.append((count - 1, close)) }
    if let slot = inner.high { anchors.append((slot, high)) }
    if let slot = inner.low { anchors.append((slot, low)) }
    anchors.sort { $0.slot < $1.slot }
    fixed = anchors.map(\.slot)
    path = Self.path(through: anchors, count: count, low...high, &random)
    let steps = grid.steps(candle.volume ?? .zero)
    let bought = grid.steps(candle.takerBuyBase ?? .zero)
    let amount = grid.gridAmount(candle.quoteVolume ?? .zero)
    let boughtAmount = grid.gridAmount(candle.takerBuyQuote ?? .zero)
    let buySlots = Self.buySlots(of: count, bought: bought, sold: steps - bought)
    buys = Side(slots: buySlots, steps: bought, amount: boughtAmount)
    sells = Side(slots: count - buySlots, steps: steps - bought, amount: amount - boughtAmount)
    extraTrades = (candle.trades ?? 0) - Int64(count)
  }

  private static func innerSlots(
    of count: Int, _ needsHigh: Bool, _ needsLow: Bool, _ random: inout SplitMix64
  ) -> (high: Int?, low: Int?) {
    guard count > 2 else { return (nil, nil) }
    let high = needsHigh ? Int.random(in: 1...count - 2, using: &random) : nil
    guard needsLow else { return (high, nil) }
    guard let high else { return (nil, Int.random(in: 1...count - 2, using: &random)) }
    guard count > 3 else { return (high, nil) }
    let low = Int.random(in: 1...count - 3, using: &random)
    return (high, low >= high ? low + 1 : low)
  }

  /// Straight from anchor to anchor, with noise of a tenth of the range.
  private static func path(
    through anchors: [(slot: Int, price: Int64)], count: Int, _ range: ClosedRange<Int64>, _ random: inout SplitMix64
  ) -> [Int64] {
    let noise = (range.upperBound - range.lowerBound) / 10
    var prices = [Int64](repeating: anchors[0].price, count: count)
    for (from, to) in zip(anchors, anchors.dropFirst()) {
      for slot in from.slot + 1..<to.slot {
        let way = (to.price - from.price) * Int64(slot - from.slot) / Int64(to.slot - from.slot)
        let price = from.price + way + Int64.random(in: -noise...noise, using: &random)
        prices[slot] = min(max(price, range.lowerBound), range.upperBound)
      }
      prices[to.slot] = to.price
    }
    return prices
  }

  private static func buySlots(of count: Int, bought: Int64, sold: Int64) -> Int {
    guard bought > 0 else { return 0 }
    guard sold > 0 else { return count }
    let fair = Int(Int128(count) * Int128(bought) / (Int128(bought) + Int128(sold)))
    let least = max(1, count - Int(min(sold, Int64(count))))
    let most = min(count - 1, Int(min(bought, Int64(count))))
    return least <= most ? min(max(fair, least), most) : min(max(fair, 1), count - 1)
  }

  /// Tries who took the fixed prices and how much until the amounts come out exactly; the nearest if they never do.
  func bestFill(_ random: inout SplitMix64) -> MinuteFill {
    var deck = Array(repeating: true, count: buys.slots) + Array(repeating: false, count: sells.slots)
    deck.shuffle(using: &random)
    let weights = (0..<count).map { _ in Int64.random(in: 1...100, using: &random) }
    var best: MinuteFill?
    for mask in sideMasks(&random) {
      guard let sides = sides(mask, deck) else { continue }
      for isNatural in [true, false] {
        var fill = MinuteFill(count: count, isBuy: sides)
        let extra = extras(sides)
        fill.solve(buys, true, plan: self, weights: weights, extraTrades: extra.buys, isNatural: isNatural)
        fill.solve(sells, false, plan: self, weights: weights, extraTrades: extra.sells, isNatural: isNatural)
        if fill.error == 0 { return fill }
        if fill.error < best?.error ?? .max { best = fill }
      }
    }
    return best ?? MinuteFill(count: count, isBuy: deck)
  }

  /// Bits say which fixed slots bought; the first is the likeliest: highs are bought, lows are sold.
  private func sideMasks(_ random: inout SplitMix64) -> [Int] {
    var likely = Int.random(in: 0..<(1 << fixed.count), using: &random)
    for (bit, slot) in fixed.enumerated() {
      if slot == highSlot { likely |= 1 << bit }
      if slot == lowSlot { likely &= ~(1 << bit) }
    }
    return (0..<(1 << fixed.count)).map { $0 ^ likely }
  }

  /// Which slot bought; `nil` where a side has too few slots for the mask.
  private func sides(_ mask: Int, _ deck: [Bool]) -> [Bool]? {
    let fixedBuys = mask.nonzeroBitCount
    guard fixedBuys <= buys.slots, fixed.count - fixedBuys <= sells.slots else { return nil }
    var (buysLeft, sellsLeft) = (buys.slots - fixedBuys, sells.slots - (fixed.count - fixedBuys))
    var sides = deck
    for (bit, slot) in fixed.enumerated() { sides[slot] = mask >> bit & 1 == 1 }
    var next = fixed.makeIterator()
    var nextFixed = next.next()
    for slot in 0..<count {
      if slot == nextFixed {
        nextFixed = next.next()
        continue
      }
      if sides[slot] ? buysLeft == 0 : sellsLeft == 0 { sides[slot].toggle() }
      if sides[slot] { buysLeft -= 1 } else { sellsLeft -= 1 }
    }
    return sides
  }

  /// Trades beyond one a slot go where there are slots for them and steps enough.
  private func extras(_ sides: [Bool]) -> (buys: Int64, sells: Int64) {
    guard extraTrades > 0 else { return (0, 0) }
    let fixedBuys = fixed.count { sides[$0] }
    func room(_ side: Side, fixed: Int) -> Int64 { side.slots - fixed > 2 ? side.steps - Int64(side.slots) : 0 }
    let (buyRoom, sellRoom) = (room(buys, fixed: fixedBuys), room(sells, fixed: fixed.count - fixedBuys))
    guard buyRoom + sellRoom > 0 else { return buys.slots > sells.slots ? (extraTrades, 0) : (0, extraTrades) }
    let fair = Int64(Int128(extraTrades) * Int128(buyRoom) / (Int128(buyRoom) + Int128(sellRoom)))
    let bought = min(buyRoom, max(fair, extraTrades - sellRoom))
    return (bought, extraTrades - bought)
  }
}

/// Prices, quantities and counts of the slots of a minute.
private struct MinuteFill {
  let isBuy: [Bool]
  var prices: [Int64]
  var quantities: [Int64]
  var counts: [Int64]
  /// Ticks times steps by which the amounts are missed.
  var error: Int128 = 0

  init(count: Int, isBuy: [Bool]) {
    self.isBuy = isBuy
    prices = [Int64](repeating: 0, count: count)
    quantities = [Int64](repeating: 0, count: count)
    counts = [Int64](repeating: 1, count: count)
  }

  /// - Parameter isNatural: the fixed slots trade like the others; otherwise as little as they can.
  mutating func solve(
    _ side: MinutePlan.Side, _ isBuySide: Bool, plan: MinutePlan, weights: [Int64], extraTrades: Int64,
    isNatural: Bool
  ) {
    guard side.slots > 0 else { return }
    var (fixed, free): ([Int], [Int]) = ([], [])
    for slot in 0..<plan.count where isBuy[slot] == isBuySide {
      if plan.fixed.contains(slot) { fixed.append(slot) } else { free.append(slot) }
      prices[slot] = plan.path[slot]
    }
    spread(extraTrades, over: free.count > 2 ? Array(free.dropLast(2)) : free.isEmpty ? fixed : free)
    share(side.steps, among: fixed, free, weights, isNatural: isNatural)
    switch free.count {
    case 0: moveQuantities(between: fixed, toward: side.amount)
    case 1: setPrice(of: free[0], fixed, toward: side.amount, plan.low...plan.high)
    default: setPrices(of: free, fixed, side, plan)
    }
    error += (side.amount - amount(of: fixed) - amount(of: free)).magnitudeValue
  }

  private func amount(of slots: some Sequence<Int>) -> Int128 {
    slots.reduce(0) { $0 + Int128(prices[$1]) * Int128(quantities[$1]) }
  }

  private mutating func spread(_ extraTrades: Int64, over slots: [Int]) {
    guard extraTrades > 0, !slots.isEmpty else { return }
    let (share, rest) = extraTrades.quotientAndRemainder(dividingBy: Int64(slots.count))
    for (offset, slot) in slots.enumerated() { counts[slot] += share + (offset < rest ? 1 : 0) }
  }

  /// Every slot has at least a step a trade. The last two free slots get more, because they balance the amounts.
  private mutating func share(
    _ steps: Int64, among fixed: [Int], _ free: [Int], _ weights: [Int64], isNatural: Bool
  ) {
    let slots = fixed + free
    let least = slots.reduce(0) { $0 + counts[$1] }
    let rest = max(0, steps - least)
    let shares = slots.enumerated().map { offset, slot -> Int128 in
      let isFixed = offset < fixed.count
      if isFixed, !isNatural, !free.isEmpty { return 0 }
      return Int128(weights[slot]) * (!isFixed && offset >= slots.count - 2 ? 8 : Int128(counts[slot]))
    }
    let total = shares.reduce(0, +)
    var (sum, given) = (Int128(0), Int128(0))
    for (slot, share) in zip(slots, shares) {
      sum += share
      let next = total > 0 ? Int128(rest) * sum / total : 0
      quantities[slot] = counts[slot] + Int64(next - given)
      given = next
    }
    // Fewer steps than trades: a file that contradicts itself.
    if steps < least {
      var left = steps
      for slot in slots {
        quantities[slot] = min(quantities[slot], left)
        left -= quantities[slot]
      }
    }
  }

  /// All prices are given.
  private mutating func moveQuantities(between slots: [Int], toward amount: Int128) {
    guard let cheap = slots.min(by: { prices[$0] < prices[$1] }),
      let dear = slots.max(by: { prices[$0] < prices[$1] }), prices[dear] > prices[cheap]
    else { return }
    let missing = amount - self.amount(of: slots)
    let gap = Int128(prices[dear] - prices[cheap])
    let wanted = (missing + (missing < 0 ? -gap / 2 : gap / 2)) / gap
    let steps = min(
      max(wanted, Int128(counts[dear] - quantities[dear])), Int128(quantities[cheap] - counts[cheap]))
    quantities[dear] += Int64(steps)
    quantities[cheap] -= Int64(steps)
  }

  /// One price is free: it takes the nearest value, and quantity moves between it and a given price.
  private mutating func setPrice(of slot: Int, _ fixed: [Int], toward amount: Int128, _ range: ClosedRange<Int64>) {
    let quantity = Int128(quantities[slot])
    guard quantity > 0 else { return }
    let wanted = amount - self.amount(of: fixed)
    let nearest = Int64(clamping: (wanted + quantity / 2) / quantity)
    prices[slot] = min(max(nearest, range.lowerBound), range.upperBound)
    for distance in 0...Int64(200) {
      for price in [nearest - distance, nearest + distance] where range.contains(price) {
        let missing = wanted - Int128(price) * quantity
        if missing == 0 { return prices[slot] = price }
        for other in fixed where prices[other] != price {
          let (steps, remainder) = missing.quotientAndRemainder(dividingBy: Int128(prices[other] - price))
          guard remainder == 0, steps <= quantity - Int128(counts[slot]),
            -steps <= Int128(quantities[other] - counts[other])
          else { continue }
          prices[slot] = price
          quantities[slot] -= Int64(steps)
          quantities[other] += Int64(steps)
          return
        }
      }
    }
  }

  /// The last two free slots share their quantity between two neighbouring prices so that the amount is exact; the
  /// others are drawn to the mean as far as that takes.
  private mutating func setPrices(
    of free: [Int], _ fixed: [Int], _ side: MinutePlan.Side, _ plan: MinutePlan
  ) {
    let (first, second) = (free[free.count - 2], free[free.count - 1])
    let others = free.dropLast(2)
    let range = Int128(plan.low)...Int128(plan.high)
    let mean = min(max(Int64(clamping: side.amount / Int128(max(1, side.steps))), plan.low), plan.high)
    let quantity = Int128(quantities[first] + quantities[second])
    guard quantity > 1 else { return }
    let balance = side.amount - amount(of: fixed)
    for tenths in [Int64(10), 5, 2, 1, 0] {
      var (wanted, left) = (balance, quantity + others.reduce(0) { $0 + Int128(quantities[$1]) })
      for slot in others {
        // The mean of what is left, so that the last two are not left with what they cannot balance.
        let (fair, _) = (wanted + left / 2).flooredDivision(by: left)
        let price = Int64(clamping: fair) + (plan.path[slot] - mean) * tenths / 10
        prices[slot] = min(max(price, plan.low), plan.high)
        wanted -= Int128(prices[slot]) * Int128(quantities[slot])
        left -= Int128(quantities[slot])
      }
      let (price, rest) = wanted.flooredDivision(by: quantity)
      prices[first] = Int64(min(max(price, range.lowerBound), range.upperBound))
      prices[second] = Int64(min(max(price + 1, range.lowerBound), range.upperBound))
      guard range.contains(price), rest == 0 || range.contains(price + 1) else { continue }
      if rest == 0 {
        prices[second] = prices[first]
      } else {
        quantities[second] = Int64(rest)
        quantities[first] = Int64(quantity - rest)
      }
      return
    }
  }
}

extension Int128 {
  fileprivate var magnitudeValue: Int128 { self < 0 ? -self : self }

  /// For a positive divisor.
  fileprivate func flooredDivision(by divisor: Int128) -> (quotient: Int128, remainder: Int128) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

package import Market

/// Why a text is no plan of faults.
package struct FaultTextError: Error, Hashable, Sendable, CustomStringConvertible {
  package let item: String
  package let reason: String

  package var description: String {
    "--faults: \"\(item)\": \(reason); an item is KIND[:AMOUNT]@TIME[+LENGTH][%VENUE], e.g. silence@00:20+90s"
  }
}

/// Items apart by commas:
///
/// - `KIND[:AMOUNT]@TIME[+LENGTH][%VENUE]`, e.g. `disconnect@00:10`, `silence@00:20+90s`, `late:8@1h+10m%bybit`;
///   for HTTP statuses the kind is the number: `429@05:00+20s`;
/// - `random:N`: N faults of any kind an hour, drawn from the seed.
///
/// TIME counts from the start by the simulator's clock: `MM:SS`, `HH:MM:SS`, `90s`, `10m`, `2h`, `1d`. LENGTH is like
/// TIME. VENUE is the path that a venue is at, such as `binance`.
extension FaultPlan {
  /// - Parameter lastingSeconds: how long the simulation is, for random faults.
  package init(
    _ text: some StringProtocol, start: Timestamp, lastingSeconds: Int64, seed: UInt64
  ) throws(FaultTextError) {
    var faults: [Fault] = []
    for part in text.split(separator: ",") {
      let item = String(part.filter { $0 != " " })
      if item == "random" || item.hasPrefix("random:") {
        guard let perHour = item == "random" ? 6 : Double(item.dropFirst(7)), (0...10_000).contains(perHour) else {
          throw FaultTextError(item: item, reason: "a number of faults an hour is expected")
        }
        faults += Self.random(perHour: perHour, lastingSeconds: lastingSeconds, seed: seed)
      } else {
        faults.append(try Self.fault(item))
      }
    }
    self.init(faults, start: start)
  }

  private static func fault(_ item: String) throws(FaultTextError) -> Fault {
    func wrong(_ reason: String) -> FaultTextError { FaultTextError(item: item, reason: reason) }
    let sides = item.split(separator: "@", omittingEmptySubsequences: false)
    guard sides.count == 2 else { throw wrong("it says not when") }
    let venueSides = sides[1].split(separator: "%", omittingEmptySubsequences: false)
    guard venueSides.count <= 2, let times = venueSides.first?.split(separator: "+", omittingEmptySubsequences: false),
      (1...2).contains(times.count)
    else { throw wrong("its time cannot be read") }
    let lengths = times.map { SimulatedTime.seconds($0) }
    guard let at = lengths[0], let lasting = lengths.last, lasting != nil else {
      throw wrong("a time is MM:SS, HH:MM:SS, 90s, 10m, 2h or 1d")
    }
    let length = times.count > 1 ? lasting : nil
    let venue = venueSides.count > 1 ? String(venueSides[1]) : nil
    let words = sides[0].split(separator: ":", omittingEmptySubsequences: false)
    if words.count == 1, let status = Int64(words[0]) {
      guard (400...599).contains(status) else { throw wrong("an HTTP status of an error is 400 to 599") }
      return Fault(.status, atSeconds: at, lastingSeconds: length, amount: status, venue: venue)
    }
    guard let kind = Fault.Kind(rawValue: String(words[0])), kind != .status else {
      let kinds = Fault.Kind.allCases.filter { $0 != .status }.map(\.rawValue).joined(separator: ", ")
      throw wrong("kinds are \(kinds), an HTTP status, and random")
    }
    let amount = words.count > 1 ? Int64(words[1]) : nil
    let allowed = kind == .clock ? -1_000_000...1_000_000 : 1...Int64(1_000_000)
    guard words.count == 1 || words.count == 2 && amount.map(allowed.contains) == true else {
      throw wrong("its amount is a whole number above zero")
    }
    return Fault(kind, atSeconds: at, lastingSeconds: length, amount: amount, venue: venue)
  }
}

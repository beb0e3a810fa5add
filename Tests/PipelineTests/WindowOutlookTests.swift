import Glibc
import Market
import Models
import Pipeline
import TestSupport
import Testing

/// The price that settles a window, beside walks that are carried on to its end.
@Suite struct WindowOutlookTests {
  private static let volatility = 0.0006
  private static let steps = 40

  private struct Walks {
    var random: SplitMix64

    mutating func normal() -> Double {
      let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &random))).squareRoot()
      return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }

    /// A price so many minutes later.
    mutating func later(_ price: Double, minutes: Double) -> Double {
      price * exp(volatility * minutes.squareRoot() * normal())
    }

    /// The mean of a walk over so many minutes from a price on, each step by the mean of its ends.
    mutating func mean(_ price: Double, minutes: Double) -> Double {
      var (price, sum) = (price, 0.0)
      for _ in 0..<steps {
        let next = later(price, minutes: minutes / Double(steps))
        sum += (price + next) / 2
        price = next
      }
      return sum / Double(steps)
    }
  }

  /// Minutes left, minutes of the mean (0 for the price of the end), and the mean of what has passed of it.
  private static let cases: [(left: Double, mean: Double, soFar: Double)] = [
    (4.2, 0, 0), (0.6, 0, 0), (3.5, 1, 0), (1, 1, 0), (1, 0.5, 0), (0.7, 1, 60_015), (0.4, 0.5, 59_985),
    (0.2, 1, 59_998),
  ]

  @Test(arguments: 0..<cases.count)
  func `the closed form is how often walks end at or above the strike`(place: Int) throws {
    let (left, mean, soFar) = Self.cases[place]
    let seed = UInt64(place) + 11
    var walks = Walks(random: SplitMix64(seed: seed))
    let (spot, strike) = (60_010.0, 60_003.0)
    let count = Soak.count(4000)
    var ups = 0
    for _ in 0..<count {
      let settles: Double
      if mean == 0 {
        settles = walks.later(spot, minutes: left)
      } else if left >= mean {
        let begin = walks.later(spot, minutes: left - mean)
        settles = walks.mean(begin, minutes: mean)
      } else {
        settles = ((mean - left) * soFar + left * walks.mean(spot, minutes: left)) / mean
      }
      if settles >= strike { ups += 1 }
    }
    let outlook =
      mean == 0
      ? WindowOutlook(spot: spot, minutesLeft: left)
      : WindowOutlook(spot: spot, minutesLeft: left, meanMinutes: mean, meanSoFar: soFar)
    let form = try #require(
      ClosedForm(
        logMove: log(outlook.expected / strike), deviation: Self.volatility * outlook.varianceMinutes.squareRoot()))
    let share = Double(ups) / Double(count)
    let error = (0.25 / Double(count)).squareRoot()
    let words =
      "seed \(seed), \(left) min left, mean of \(mean) min: \(share) of \(count) walks, \(form.probability.value)"
    print(words)
    #expect(abs(share - form.probability.value) < 5 * error, "\(words)")
  }

  @Test(arguments: Soak.seeds(50))
  func `the variance is the integral of what each later deviation still moves`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let mean = Double.random(in: 0.1...2, using: &random)
    let left = Double.random(in: 0.001...5, using: &random)
    // A deviation with so much time left to the end moves that share of the mean.
    let parts = 20_000
    let integral = (0..<parts).reduce(0.0) { sum, part in
      let toEnd = left * (Double(part) + 0.5) / Double(parts)
      let share = min(1, toEnd / mean)
      return sum + share * share * left / Double(parts)
    }
    let outlook = WindowOutlook(spot: 1, minutesLeft: left, meanMinutes: mean, meanSoFar: 1)
    #expect(abs(outlook.varianceMinutes / integral - 1) < 1e-6, "seed \(seed)")
  }

  @Test(arguments: Soak.seeds(50))
  func `a mean begins without a jump, and ends at what it has come to`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let mean = Double.random(in: 0.1...2, using: &random)
    let (spot, soFar) = (Double.random(in: 1...2, using: &random), Double.random(in: 1...2, using: &random))
    func outlook(_ left: Double) -> WindowOutlook {
      WindowOutlook(spot: spot, minutesLeft: left, meanMinutes: mean, meanSoFar: soFar)
    }
    let (before, after) = (outlook(mean), outlook(mean * (1 - 1e-12)))
    #expect(abs(before.expected - after.expected) < 1e-10, "seed \(seed)")
    #expect(abs(before.varianceMinutes - after.varianceMinutes) < 1e-10, "seed \(seed)")
    let end = outlook(mean * 1e-9)
    #expect(abs(end.expected - soFar) < 1e-8 && end.varianceMinutes < 1e-20, "seed \(seed)")
  }
}

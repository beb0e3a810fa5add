/// What is known before a window's end of the price that settles it, if prices walk at random.
package struct WindowOutlook: Hashable, Sendable {
  package let expected: Double
  /// Variance of its logarithm, in that of a log return of one minute.
  package let varianceMinutes: Double

  package init(expected: Double, varianceMinutes: Double) {
    (self.expected, self.varianceMinutes) = (expected, varianceMinutes)
  }

  /// Of a window that settles at the price of its end.
  package init(spot: Double, minutesLeft: Double) { (expected, varianceMinutes) = (spot, minutesLeft) }

  /// Of a window that settles at the mean over the last `meanMinutes` before its end.
  ///
  /// What has passed of these minutes stays, and what is left of them is expected to be at the newest price. A deviation
  /// that comes later moves less of the mean, hence the thirds.
  ///
  /// - Parameter meanSoFar: of what has passed of these minutes; not read before they begin.
  package init(spot: Double, minutesLeft: Double, meanMinutes: Double, meanSoFar: Double) {
    guard minutesLeft < meanMinutes else {
      (expected, varianceMinutes) = (spot, minutesLeft - meanMinutes + meanMinutes / 3)
      return
    }
    expected = spot + (meanMinutes - minutesLeft) / meanMinutes * (meanSoFar - spot)
    varianceMinutes = minutesLeft * minutesLeft * minutesLeft / (3 * meanMinutes * meanMinutes)
  }
}

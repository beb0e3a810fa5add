/// Adds up the time spent inside a library, which a fit's total is judged against.
package final class LibraryTime {
  package private(set) var nanoseconds: Int64 = 0

  package init() {}

  func measure<Result>(_ body: () throws -> Result) rethrows -> Result {
    let start = ContinuousClock.now
    defer {
      let (seconds, attoseconds) = (ContinuousClock.now - start).components
      nanoseconds += seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
    return try body()
  }
}

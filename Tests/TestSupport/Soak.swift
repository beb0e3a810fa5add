internal import FoundationEssentials

/// How much the tests do: `make test` what fits in a minute, `make soak` far more of the same.
package enum Soak {
  package static let isOn = ProcessInfo.processInfo.environment["CANDLECAST_SOAK"] == "1"

  /// As many as usual, or so many times as many.
  package static func count(_ usual: Int, times: Int = 50) -> Int { isOn ? usual * times : usual }

  /// Seeds for a property test, `@Test(arguments: Soak.seeds(20))`.
  package static func seeds(_ usual: Int, times: Int = 50) -> Range<UInt64> { 0..<UInt64(count(usual, times: times)) }

  /// The same where each case makes a database of its own, which takes most of its time.
  package static func seedsOfStores(_ usual: Int) -> Range<UInt64> { seeds(usual, times: 10) }

  /// How long a test may take that waits for others to give it the processor, which they do seldom where all do more.
  package static func minutes(_ usual: Int) -> Int { isOn ? 12 * usual : usual }
}

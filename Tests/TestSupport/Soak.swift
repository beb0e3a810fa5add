internal import FoundationEssentials

/// How much the tests do: `make test` what fits in a minute, `make soak` far more of the same.
package enum Soak {
  package static let isOn = ProcessInfo.processInfo.environment["CANDLECAST_SOAK"] == "1"

  /// As many as usual, or fifty times as many.
  package static func count(_ usual: Int) -> Int { isOn ? usual * 50 : usual }

  /// Seeds for a property test, `@Test(arguments: Soak.seeds(20))`.
  package static func seeds(_ usual: Int) -> Range<UInt64> { 0..<UInt64(count(usual)) }
}

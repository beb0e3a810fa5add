import Market
import Platform

extension SystemClock {
  static func now() -> Timestamp { Timestamp(microseconds: wallNanoseconds() / 1000) }

  /// Since some moment; never goes back.
  static func seconds() -> Double { Double(monotonicNanoseconds()) / 1e9 }
}

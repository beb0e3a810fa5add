internal import CProcessor
internal import Glibc

/// The process that started this one.
package enum Parent {
  /// Number of the process that must not be outlived.
  static let variable = "CANDLECAST_PARENT"

  /// Has this process asked to stop when its parent ends, if the parent wants that.
  ///
  /// - Returns: false when the parent has ended already.
  package static func follow(_ environment: [String: String]) -> Bool {
    guard let parent = environment[variable].flatMap({ Int32($0) }) else { return true }
    // Our own children have a parent of their own.
    unsetenv(variable)
    return candlecast_end_with_parent(parent) != 0
  }
}

internal import Glibc

extension Registry {
  /// Differs from an earlier one after every operation, at the price of one look at a file.
  package struct Stamp: Hashable, Sendable {
    private let device: UInt64
    private let file: UInt64
    private let size: Int64
    private let seconds: Int
    private let nanoseconds: Int

    fileprivate init(_ facts: stat) {
      (device, file, size) = (UInt64(facts.st_dev), UInt64(facts.st_ino), Int64(facts.st_size))
      (seconds, nanoseconds) = (facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec)
    }
  }

  /// `nil` before the first operation.
  package var stamp: Stamp? {
    var facts = stat()
    // Replaced when an operation is whole, the journal before that.
    return stat(statePath, &facts) == 0 ? Stamp(facts) : nil
  }
}

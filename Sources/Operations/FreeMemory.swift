internal import CProcessor

package enum FreeMemory {
  /// From now on little of what is freed is held back. To be called before other threads are started, by what runs for long:
  /// `run` with a version has 11 MB less of its own then.
  package static func keepLittle() { candlecast_keep_little_free_memory() }

  /// Gives what is free and still held back to the system, and the code that was read from files, which is read again
  /// where it is needed; it takes milliseconds, so after a large piece of work.
  package static func giveBack() { candlecast_return_free_memory() }
}

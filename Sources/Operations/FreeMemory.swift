internal import CProcessor

package enum FreeMemory {
  /// Gives what is free and still held back to the system; it takes milliseconds, so after a large piece of work.
  package static func giveBack() { candlecast_return_free_memory() }
}

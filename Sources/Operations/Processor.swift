internal import CProcessor

package enum Processor {
  /// An instruction set that the kernels need and this processor lacks; the program does not even start without it.
  package static var missingInstructions: String? {
    let name = String(cString: candlecast_missing_instructions())
    return name.isEmpty ? nil : name
  }
}

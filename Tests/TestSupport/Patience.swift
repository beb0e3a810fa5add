/// How long a test waits. Only what never comes is waited for so long: what is slow on a busy machine is not late.
package enum Patience {
  package static let seconds = Soak.isOn ? 2400.0 : 240
}

/// What prices tell of the window of a length that a moment lies in, or why nothing is said of it: what goes from what
/// follows prices to what predicts, also between processes.
package struct WindowFact: Hashable, Sendable {
  package let lengthMinutes: Int
  package let reading: Result<WindowReading, WindowSilence>

  package init(lengthMinutes: Int, reading: Result<WindowReading, WindowSilence>) {
    (self.lengthMinutes, self.reading) = (lengthMinutes, reading)
  }
}

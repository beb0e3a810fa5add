/// How far a piece of work is, as one line of text.
package struct Progress: Hashable, Sendable {
  package var done: Int64
  /// `nil` if the end is not known.
  package var total: Int64?
  package var elapsedSeconds: Double

  package init(done: Int64, total: Int64?, elapsedSeconds: Double) {
    (self.done, self.total, self.elapsedSeconds) = (done, total, elapsedSeconds)
  }

  /// `import  42 % [########------------] 257,006 of 611,920 candles, 410,000/s, 1 s left`, cut to the columns.
  package func line(label: String, unit: String, columns: Int) -> String {
    let rate = elapsedSeconds > 0 ? Double(done) / elapsedSeconds : 0
    var parts = [total.map { "\(done.grouped) of \($0.grouped) \(unit)" } ?? "\(done.grouped) \(unit)"]
    if done > 0, rate >= 1 { parts.append("\(Int64(rate).grouped)/s") }
    if let left = secondsLeft { parts.append("\(Self.duration(left)) left") }
    let facts = parts.joined(separator: ", ")
    guard let fraction else { return String("\(label) \(facts)".prefix(columns)) }
    let percent = String(Int(fraction * 100))
    let filled = Int(fraction * 20)
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 20 - filled)
    let padding = String(repeating: " ", count: 3 - percent.count)
    return String("\(label) \(padding)\(percent) % [\(bar)] \(facts)".prefix(columns))
  }

  /// `nil` before anything is done, without a total, and at the end.
  package var secondsLeft: Double? {
    guard let total, done > 0, done < total, elapsedSeconds > 0 else { return nil }
    return elapsedSeconds / Double(done) * Double(total - done)
  }

  private var fraction: Double? { total.map { $0 > 0 ? min(1, Double(done) / Double($0)) : 1 } }

  /// `45 s`, `3 min 05 s`, `2 h 10 min`.
  package static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
    return "\(whole / 3600) h \(twoDigits(whole / 60 % 60)) min"
  }

  private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// Draws `Progress` on one line of a terminal, ten times a second at most; draws nothing in a pipe.
package struct ProgressBar {
  /// What the work is called; may change while it goes on.
  package var label: String
  private let unit: String
  private let total: Int64?
  private let terminal: Terminal
  private let isShown: Bool
  private let clock: () -> Double
  private let start: Double
  private var drawn = -Double.infinity

  /// `clock` gives seconds that never go back.
  package init(
    label: String, unit: String, total: Int64?, terminal: Terminal = .error, isShown: Bool? = nil,
    clock: @escaping () -> Double
  ) {
    self.label = label
    self.unit = unit
    self.total = total
    self.terminal = terminal
    self.isShown = isShown ?? terminal.isInteractive
    self.clock = clock
    start = clock()
  }

  package mutating func update(_ done: Int64) {
    guard isShown else { return }
    let now = clock()
    guard now - drawn >= 0.1 else { return }
    drawn = now
    let progress = Progress(done: done, total: total, elapsedSeconds: now - start)
    terminal.write("\r\u{1B}[K" + progress.line(label: label, unit: unit, columns: terminal.columns - 1))
  }

  /// Takes the line away.
  package mutating func finish() {
    guard isShown, drawn > -.infinity else { return }
    terminal.write("\r\u{1B}[K")
    drawn = -.infinity
  }
}

extension BinaryInteger {
  /// With commas between thousands: `611,920`.
  package var grouped: String {
    let digits = String(magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return (self < 0 ? "-" : "") + text
  }
}

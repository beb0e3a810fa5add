import Operations

/// Where results go: text for people, or one JSON document with `--json`.
struct Output: Sendable {
  let isJSON: Bool
  let isQuiet: Bool
  private let write: @Sendable (String) -> Void

  init(isJSON: Bool, isQuiet: Bool, write: @escaping @Sendable (String) -> Void) {
    (self.isJSON, self.isQuiet, self.write) = (isJSON, isQuiet, write)
  }

  /// The result of a verb: the JSON or the text, whichever was asked for.
  func present(_ json: @autoclosure () -> JSONValue, text: () -> String) {
    write((isJSON ? json().indented : text()) + "\n")
  }

  /// A document that is JSON by itself, whatever was asked for.
  func verbatim(_ text: String) { write(text.hasSuffix("\n") ? text : text + "\n") }

  /// A line beside the result; with `--json` and `--quiet` it is not printed.
  func line(_ text: @autoclosure () -> String) {
    guard !isJSON, !isQuiet else { return }
    write(text() + "\n")
  }
}

import Market
import Operations
import Serving
import Storage

/// Whether what was stored of a decision is what the store gives when it is computed again.
struct StoredComparison {
  private let version: String
  /// Rows of the version that answers, in any mode.
  private let sameVersion: [Prediction]
  private let otherVersions: [String]
  let differences: [String]

  /// - Parameter recomputed: all answers at one decision.
  init(_ recomputed: [Prediction], _ store: some PredictionLog) throws {
    guard let first = recomputed.first else {
      (version, sameVersion, otherVersions, differences) = ("", [], [], [])
      return
    }
    let stored = try store.predictions(
      PredictionFilter(
        range: first.time..<first.time.adding(microseconds: 1), view: first.view, target: first.target))
    version = first.version
    sameVersion = stored.filter { $0.version == first.version }
    otherVersions = Set(stored.map(\.version)).subtracting([first.version]).sorted()
    differences = Self.differences(sameVersion, recomputed)
  }

  var isComparable: Bool { !sameVersion.isEmpty }

  private var modes: [String] { Set(sameVersion.map(\.mode.rawValue)).sorted() }

  private static func differences(_ stored: [Prediction], _ recomputed: [Prediction]) -> [String] {
    var differences = stored.compactMap { row -> String? in
      guard let again = recomputed.first(where: { $0.modelName == row.modelName }) else {
        return "\(row.modelName.rawValue) of \(row.mode.rawValue) is not given any more"
      }
      if row.inputHash != again.inputHash {
        return "\(row.modelName.rawValue) of \(row.mode.rawValue) has other inputs (\(row.inputHashText), now "
          + "\(again.inputHashText))"
      }
      guard row.answer?.bitPattern != again.answer?.bitPattern else { return nil }
      return "\(row.modelName.rawValue) of \(row.mode.rawValue) is \(text(row.answer)), now \(text(again.answer))"
    }
    for mode in Set(stored.map(\.mode)).sorted(by: { $0.rawValue < $1.rawValue }) {
      let names = Set(stored.filter { $0.mode == mode }.map(\.modelName))
      differences += recomputed.filter { !names.contains($0.modelName) }.map {
        "\($0.modelName.rawValue) is not among the rows of \(mode.rawValue)"
      }
    }
    return differences
  }

  private static func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "silent" }

  var text: String {
    guard isComparable else {
      guard !otherVersions.isEmpty else { return "stored: nothing stored to compare with" }
      return "stored: nothing of \(Self.name(version)) to compare with, only of "
        + otherVersions.map(Self.name).joined(separator: ", ")
    }
    let rows = "stored: \(sameVersion.count) rows (\(modes.joined(separator: ", ")))"
    guard !differences.isEmpty else { return "\(rows), computed again from the store: same bits" }
    return "\(rows), computed again from the store: differs: " + differences.joined(separator: "; ")
  }

  var json: JSONValue {
    [
      "verdict": .text(!isComparable ? "nothing stored" : differences.isEmpty ? "same bits" : "differs"),
      "rows": JSONValue(sameVersion.count), "modes": .array(modes.map { .text($0) }),
      "differences": .array(differences.map { .text($0) }),
      "other_versions": .array(otherVersions.map { .text($0) }),
    ]
  }

  private static func name(_ version: String) -> String { version.isEmpty ? "the baseline" : version }
}

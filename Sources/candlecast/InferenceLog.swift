import Glibc
import Market

/// `inference.log`: one CSV line for each answer, for people and older tools that follow it with `tail -f`.
///
/// ```
/// timestamp,direction,confidence,model_name
/// 2026-01-06T11:07:00Z,UP,0.63,ModelA
/// ```
struct InferenceLog: ~Copyable {
  static let header = "timestamp,direction,confidence,model_name"
  private let file: Int32

  /// Makes the folder's last part and the file where they are not there; a new file gets the header.
  init(folder: String) throws(CommandError) {
    let path = folder + "/inference.log"
    mkdir(folder, 0o755)
    file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw CommandError(.failed, "cannot write \(path): \(String(cString: strerror(errno)))") }
    if lseek(file, 0, SEEK_END) == 0 { try write(Self.header) }
  }

  deinit { close(file) }

  /// Predictions that abstain have no line.
  func append(_ predictions: some Sequence<Prediction>) throws(CommandError) {
    let lines = predictions.compactMap(Self.line)
    if !lines.isEmpty { try write(lines.joined(separator: "\n")) }
  }

  /// `nil` for a prediction that abstains.
  static func line(_ prediction: Prediction) -> String? {
    guard let direction = prediction.direction, let confidence = prediction.confidence else { return nil }
    let hundredths = Int((confidence * 100).rounded())
    let digits = hundredths % 100 < 10 ? "0\(hundredths % 100)" : "\(hundredths % 100)"
    return "\(prediction.time),\(direction.rawValue),\(hundredths / 100).\(digits),\(prediction.modelName.rawValue)"
  }

  /// Whole lines in one write, so that several writers do not mix.
  private func write(_ text: String) throws(CommandError) {
    let bytes = Array((text + "\n").utf8)
    let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    guard count == bytes.count else {
      throw CommandError(.failed, "cannot write inference.log: \(String(cString: strerror(errno)))")
    }
  }
}

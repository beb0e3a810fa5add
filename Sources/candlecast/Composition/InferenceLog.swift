import FoundationEssentials
import Glibc
import Market

/// `logs/inference.log`: a line `timestamp,direction,confidence,model_name` for each prediction that states a direction.
struct InferenceLog {
  static let header = "timestamp,direction,confidence,model_name"

  let path: String

  init(folder: String) { path = folder + "/inference.log" }

  func append(_ predictions: [Prediction]) throws {
    var text = ""
    for prediction in predictions {
      guard let direction = prediction.direction else { continue }
      let confidence = prediction.confidence.map { String($0.rounded(digits: 6)) } ?? ""
      text += "\(prediction.time),\(direction.rawValue),\(confidence),\(prediction.modelName.rawValue)\n"
    }
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if !FileManager.default.fileExists(atPath: path) { text = Self.header + "\n" + text }
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw CommandError(.failed, "cannot write \(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written > 0 else {
        throw CommandError(.failed, "cannot write \(path): \(String(cString: strerror(errno)))")
      }
      rest = rest.dropFirst(written)
    }
  }
}

extension Double {
  func rounded(digits: Int) -> Double {
    let scale = pow(10, Double(digits))
    return (self * scale).rounded() / scale
  }
}

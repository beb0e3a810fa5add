import FoundationEssentials
import Market

/// Other people's probabilities: CSV of a time (ISO 8601 or Unix ms) and a probability of up, with or without a header.
struct BenchmarkFile {
  let probabilities: [Timestamp: Double]

  init(path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandError(.badData, "cannot read the benchmark file \(path)")
    }
    var probabilities: [Timestamp: Double] = [:]
    for (index, line) in data.split(separator: 10).enumerated() {
      let fields = String(decoding: line, as: UTF8.self).split(separator: ",", omittingEmptySubsequences: false)
        .map { $0.filter { !$0.isWhitespace } }
      guard fields.count == 2 else {
        throw CommandError(
          .badData, "\(path):\(index + 1): \(fields.count) columns, a time and a probability are needed")
      }
      guard let time = Timestamp(fields[0]) else {
        if index == 0 { continue }
        throw CommandError(.badData, "\(path):\(index + 1): time is '\(fields[0])', not ISO 8601 or Unix milliseconds")
      }
      guard let probability = Double(fields[1]), (0...1).contains(probability) else {
        throw CommandError(.badData, "\(path):\(index + 1): probability is '\(fields[1])', not a number from 0 to 1")
      }
      probabilities[time] = probability
    }
    guard !probabilities.isEmpty else {
      throw CommandError(.badData, "the benchmark file \(path) holds no probability")
    }
    self.probabilities = probabilities
  }
}

import Features
import Market
import Operations

/// How each way from candles to vectors and predictions compares with folding them one by one.
struct ParityReport {
  /// The first bits that differ.
  struct Difference: Hashable, CustomStringConvertible {
    let time: Timestamp
    /// A feature's column, or a model.
    let what: String
    let expected: Double?
    let actual: Double?

    var description: String {
      func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "nothing" }
      return "\(what) at \(time) is \(text(actual)), one by one \(text(expected))"
    }
  }

  /// What was compared of one way.
  struct Way {
    let name: String
    /// Names of a vector's places.
    private let columns: [String]
    private(set) var vectors = 0
    private(set) var predictions = 0
    private(set) var difference: Difference?

    init(_ name: String, columns: [String]) { (self.name, self.columns) = (name, columns) }

    mutating func compareVectors(at time: Timestamp, expected: [Double], actual: [Double]) {
      vectors += 1
      guard difference == nil else { return }
      let column = expected.indices.first {
        $0 >= actual.count || expected[$0].bitPattern != actual[$0].bitPattern
      }
      guard let column else { return }
      difference = Difference(
        time: time, what: columns[column], expected: expected[column],
        actual: column < actual.count ? actual[column] : nil)
    }

    mutating func comparePredictions(
      at time: Timestamp, expected: [ModelName: Double], actual: [ModelName: Double]
    ) {
      predictions += expected.count
      guard difference == nil else { return }
      let model = ModelName.ofCandles.first { expected[$0]?.bitPattern != actual[$0]?.bitPattern }
      difference = model.map {
        Difference(time: time, what: $0.rawValue, expected: expected[$0], actual: actual[$0])
      }
    }
  }

  let candles: Int
  let ways: [Way]

  var isClean: Bool { ways.allSatisfy { $0.difference == nil && $0.vectors > 0 } }

  var text: String {
    var table = Table([
      ("way", .left), ("vectors", .right), ("predictions", .right), ("compared with one by one", .left),
    ])
    for way in ways {
      table.add(
        way.name, way.vectors.grouped, way.predictions.grouped, way.difference.map { "DIFFERS: \($0)" } ?? "same bits")
    }
    return table.text
  }

  var json: JSONValue {
    .array(
      ways.map { way in
        [
          "way": .text(way.name), "vectors": JSONValue(way.vectors), "predictions": JSONValue(way.predictions),
          "difference": way.difference.map { difference in
            [
              "time": .text(difference.time.description), "what": .text(difference.what),
              "expected": JSONValue(difference.expected), "actual": JSONValue(difference.actual),
            ]
          } ?? .null,
        ]
      })
  }
}

/// A step of a schema, as this version takes it or as a database says that it was taken.
protocol SchemaStep {
  var name: String { get }
  /// Of its name and of what it does.
  var checksum: String { get }
}

protocol TakenStep: SchemaStep {
  /// Counts from 1.
  var version: Int { get }
}

enum SchemaSteps {
  /// What is wrong with the first step that is not the one that this version would have taken; `nil` if all are.
  ///
  /// - Parameter taken: by version. What only one side has is not judged.
  static func difference(_ taken: [some TakenStep], from known: [some SchemaStep]) -> String? {
    for (index, (found, step)) in zip(taken, known).enumerated() {
      guard found.version != index + 1 || found.checksum != step.checksum else { continue }
      return "step \(index + 1) was \(found.name) \(found.checksum), not \(step.name) \(step.checksum)"
    }
    return nil
  }
}

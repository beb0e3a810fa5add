internal import FoundationEssentials
internal import Market
package import Models

extension TrainingPlan {
  /// The target's own plan with what `overrides` says instead: an object with `target` and any of the plan's keys.
  ///
  /// - Throws: `TrainingError.badPlan` for keys a plan does not have and values of another kind.
  package init(overrides: JSONNode) throws {
    guard case .object(let fields) = overrides, case .string(let text)? = fields["target"],
      let target = PredictionTarget(text)
    else { throw TrainingError.badPlan("it names no target that is known") }
    self = try overrides.applied(to: TrainingPlan(target: target), optionalKeys: ["calibratorKind"])
  }
}

extension JSONNode {
  /// A plan with what this object says instead.
  ///
  /// - Parameter optionalKeys: those that are absent when they have no value.
  func applied<Plan: Codable>(to plan: Plan, optionalKeys: Set<String>) throws -> Plan {
    do {
      let defaults = try JSONDecoder().decode(JSONNode.self, from: JSONEncoder().encode(plan))
      let merged = try defaults.overridden(by: self, path: "", optionalKeys: optionalKeys)
      return try JSONDecoder().decode(Plan.self, from: JSONEncoder().encode(merged))
    } catch let error as DecodingError {
      throw TrainingError.badPlan("\(error)")
    }
  }

  private func overridden(by other: JSONNode, path: String, optionalKeys: Set<String>) throws -> JSONNode {
    guard case .object(var fields) = self, case .object(let changes) = other else { return other }
    for (key, value) in changes {
      guard let present = fields[key] else {
        guard optionalKeys.contains(path + key) else {
          throw TrainingError.badPlan(
            "it has no key “\(path)\(key)”; known are \(fields.keys.sorted().joined(separator: ", "))")
        }
        fields[key] = value
        continue
      }
      fields[key] = try present.overridden(by: value, path: "\(path)\(key).", optionalKeys: optionalKeys)
    }
    return .object(fields)
  }
}

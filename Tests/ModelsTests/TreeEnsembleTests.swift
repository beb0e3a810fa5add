import Market
import Testing

@testable import Models

struct TreeEnsembleTests {
  @Test(arguments: [("logistic", 1 as UInt64), ("squared", 5)])
  func `margins are libxgboost's, bit for bit`(name: String, seed: UInt64) throws {
    let trees = try TreeEnsemble(json: try Golden.bytes("\(name).json"))
    let margins = try Golden.floats("\(name).margins.f32")
    let offset = try Golden.floats("\(name).offset.f32")
    let bases = Golden.uniforms(seed: seed + 3, count: margins.count)
    var generator = SplitMix64(seed: seed + 2)
    var wrong = 0
    for index in margins.indices {
      let row = (0..<trees.featureCount).map { _ in Golden.gridded(&generator) }
      if trees.margin(row).bitPattern != margins[index].bitPattern { wrong += 1 }
      if trees.margin(row, baseMargin: bases[index]).bitPattern != offset[index].bitPattern { wrong += 1 }
    }
    #expect(wrong == 0)
    #expect(margins.count == 10_000)
  }

  @Test(arguments: [("logistic", 1 as UInt64), ("squared", 5)])
  func `contributions are XGBoost's and sum to the margin`(name: String, seed: UInt64) throws {
    let trees = try TreeEnsemble(json: try Golden.bytes("\(name).json"))
    let expected = try Golden.floats("\(name).shap.f32")
    var generator = SplitMix64(seed: seed + 2)
    for index in 0..<20 {
      let row = (0..<trees.featureCount).map { _ in Golden.gridded(&generator) }
      let values = trees.contributions(row)
      #expect(abs(values.reduce(0, +) - Double(trees.margin(row))) < 1e-5)
      for (column, value) in values.enumerated() {
        #expect(abs(value - Double(expected[index * values.count + column])) < 1e-5)
      }
    }
  }

  @Test(arguments: 0..<300)
  func `a mutated model is refused or answers, and never traps`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var bytes = try Golden.bytes("squared.json")
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let index = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes[index] = UInt8.random(in: 48...57, using: &generator)
      case 2: bytes.removeSubrange(index..<min(bytes.count, index + 3))
      default: bytes.insert(UInt8.random(in: 32...126, using: &generator), at: index)
      }
    }
    guard let trees = try? TreeEnsemble(json: bytes) else { return }
    let row = (0..<trees.featureCount).map { _ in Golden.gridded(&generator) }
    _ = trees.margin(row)
    #expect(trees.contributions(row).count == trees.featureCount + 1)
  }

  @Test(arguments: 0..<40)
  func `a truncated model is refused`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let bytes = try Golden.bytes("squared.json")
    let count = Int.random(in: 0..<bytes.count, using: &generator)
    #expect(throws: TreeModelError.self) { try TreeEnsemble(json: Array(bytes.prefix(count))) }
  }

  @Test func `nested brackets without end do not exhaust the stack`() {
    let bytes = Array("{\"x\":".utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 500_000)
    #expect(throws: TreeModelError.self) { try TreeEnsemble(json: bytes) }
  }

  @Test(arguments: [
    ("a cycle", "[1,0,-1]", "[2,2,-1]", "0", "0.5"), ("a child out of range", "[1,-1,-1]", "[7,-1,-1]", "0", "0.5"),
    ("a shared child", "[1,-1,-1]", "[1,-1,-1]", "0", "0.5"), ("one child only", "[1,-1,-1]", "[-1,-1,-1]", "0", "0.5"),
    ("an unknown feature", "[1,-1,-1]", "[2,-1,-1]", "3", "0.5"),
    ("an infinite threshold", "[1,-1,-1]", "[2,-1,-1]", "0", "1e99"),
    ("arrays of different length", "[1,-1]", "[2,-1,-1]", "0", "0.5"),
  ])
  func `a tree that cannot be walked is refused`(
    what: String, left: String, right: String, feature: String, threshold: String
  ) {
    let json = Self.stump(left: left, right: right, feature: feature, threshold: threshold)
    #expect(throws: TreeModelError.self) { try TreeEnsemble(json: Array(json.utf8)) }
  }

  @Test func `missing values, thresholds and infinities go where libxgboost sends them`() throws {
    let json = Self.stump(left: "[1,-1,-1]", right: "[2,-1,-1]", feature: "1", threshold: "0.5")
    let trees = try TreeEnsemble(json: Array(json.utf8))
    func leaf(_ x: Float) -> Float { trees.margin([9, x, 9]) }
    #expect(leaf(Float(0.5).nextDown) == 10)
    #expect(leaf(0.5) == 20)
    #expect(leaf(.nan) == 10)
    #expect(leaf(.infinity) == 20)
    #expect(leaf(-.infinity) == 10)
    let other = try TreeEnsemble(json: Array(json.replacing("\"default_left\":[1", with: "\"default_left\":[0").utf8))
    #expect(other.margin([9, .nan, 9]) == 20)
  }

  @Test func `what is not a plain booster is refused by name`() throws {
    let json = Self.stump(left: "[1,-1,-1]", right: "[2,-1,-1]", feature: "0", threshold: "0.5")
    for (from, to) in [
      ("gbtree", "dart"), ("reg:squarederror", "multi:softmax"), ("\"num_class\":\"0\"", "\"num_class\":\"3\""),
    ] {
      #expect {
        try TreeEnsemble(json: Array(json.replacing(from, with: to).utf8))
      } throws: { error in
        if case .unsupported = error as? TreeModelError { true } else { false }
      }
    }
    let categorical = json.replacing("\"split_type\":[0", with: "\"split_type\":[1")
    #expect(throws: TreeModelError.unsupported("categorical splits")) {
      try TreeEnsemble(json: Array(categorical.utf8))
    }
  }

  static func stump(left: String, right: String, feature: String, threshold: String) -> String {
    """
    {"learner":{"learner_model_param":{"base_score":"[0E0]","num_class":"0","num_feature":"3","num_target":"1"},
    "objective":{"name":"reg:squarederror"},"gradient_booster":{"name":"gbtree","model":{"trees":[
    {"left_children":\(left),"right_children":\(right),"split_indices":[\(feature),0,0],
    "split_conditions":[\(threshold),10,20],"default_left":[1,0,0],"split_type":[0,0,0],"sum_hessian":[2,1,1]}
    ]}}}}
    """
  }
}

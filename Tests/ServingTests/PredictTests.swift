import Features
import FoundationEssentials
import Market
import Models
import Pipeline
import Serving
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct PredictTests {
  private struct Answer: Decodable {
    let prediction: Double?
    let model_name: String
    let model_version: String
    let target: String
    let probability_up: Double?
    let change_percent: Double?
    let direction: String?
    let confidence: Double?
    let state: String
    let reason: String
    let feature_set: String
    let input_hash: String
    let models: [String: Double]
  }

  private let models: SampleModels

  init() throws { models = try SampleModels() }

  private func ask(_ body: String, _ served: ServedModels? = nil) async throws -> HTTPAnswer {
    try await Asking([.predict(served ?? models.served)]).post("/predict", body)
  }

  private func answer(_ body: String, _ served: ServedModels? = nil) async throws -> Answer {
    let answer = try await ask(body, served)
    try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    return try JSONDecoder().decode(Answer.self, from: Data(answer.body))
  }

  @Test(arguments: 0..<20) func `the answer is that of the served version's trees, to the bit`(seed: UInt64)
    async throws
  {
    let vector = SampleModels.vector(seed: seed)
    var bundle = try #require(models.bundles[SampleModels.direction])
    let truth = bundle.predict(vector)
    let answer = try await answer(#"{"features":\#(SampleModels.json(vector))}"#)
    #expect(answer.model_name == "ModelA" && answer.model_version == "20240101-1")
    #expect(answer.prediction == truth.modelA?.value && answer.probability_up == truth.modelA?.value)
    #expect(answer.models["MLP"] == truth.mlp?.value && answer.models["Baseline"] == truth.baseline?.value)
    #expect(answer.models["ModelB"] == nil && answer.models["Ensemble"] == nil)
    #expect(answer.target == "direction-15m" && answer.state == "fresh" && answer.change_percent == nil)
    let hash = vector.withUnsafeBufferPointer { Fingerprint($0, nil) }
    #expect(answer.input_hash == hash.description && answer.feature_set == SampleModels.set.hash.description)
  }

  @Test func `a window is answered for with where it stood`() async throws {
    let vector = SampleModels.vector(seed: 7)
    var bundle = try #require(models.bundles[SampleModels.window])
    let truth = bundle.predict(vector, window: WindowState(minutesLeft: 4, moveBasisPoints: -12.5))
    let body = """
      {"features":\(SampleModels.json(vector)),"target":"window-15m","model":"MLP",
      "window":{"minutes_left":4,"move_basis_points":-12.5},"names":\(SampleModels.set.names)}
      """
    let answer = try await answer(body)
    #expect(answer.model_name == "MLP" && answer.prediction == truth.mlp?.value)
    #expect(answer.models["Baseline"] == truth.baseline?.value)
  }

  @Test func `without a version the baseline answers`() async throws {
    let none = try SampleModels([])
    let vector = SampleModels.json(SampleModels.vector(seed: 1))
    let plain = try await answer(#"{"features":\#(vector)}"#, none.served)
    #expect(plain.model_name == "Baseline" && plain.prediction == 0.5 && plain.model_version.isEmpty)
    #expect(plain.state == "unpromoted" && plain.reason == "no version is registered for direction-15m")
    let change = try await answer(#"{"features":\#(vector),"target":"change-60m"}"#, none.served)
    #expect(change.prediction == 0 && change.change_percent == 0 && change.probability_up == nil)
    let window = #""target":"window-15m","window":{"minutes_left":5,"move_basis_points":10}"#
    let form = ClosedForm(WindowState(minutesLeft: 5, moveBasisPoints: 10), volatility: Double(Float(0.0006)))
    #expect(try await answer(#"{"features":\#(vector),\#(window)}"#, none.served).prediction == form?.probability.value)
  }

  @Test func `what cannot be said is said to be so, and is no error`() async throws {
    let place = try #require(SampleModels.set.index(of: "volatility_30"))
    for served in [models.served, try SampleModels([]).served] {
      var vector = SampleModels.vector(seed: 3)
      vector[place] = .nan
      let answer = try await answer(
        """
        {"features":\(SampleModels.json(vector)),"target":"window-15m",
        "window":{"minutes_left":5,"move_basis_points":0}}
        """, served)
      #expect(answer.prediction == nil && answer.state == "abstain:no_volatility" && answer.models.isEmpty)
    }
  }

  @Test func `another version answers from the next request on`() async throws {
    let served = models.served
    let ask = try Asking([.predict(served)])
    let body = #"{"features":\#(SampleModels.json(SampleModels.vector(seed: 5)))}"#
    let next = try SampleModels.bundle(SampleModels.direction, name: "20240202-1", in: models.folder)
    for (version, name) in [
      (nil, "Baseline"), (ServedVersion(next, standing: .unpromoted(reason: "not promoted yet")), "ModelA"),
    ] {
      served.serve(SampleModels.direction, with: version)
      let answer = try JSONDecoder().decode(Answer.self, from: Data(try await ask.post("/predict", body).body))
      #expect(answer.model_name == name && answer.state == "unpromoted")
      #expect(answer.model_version == version?.bundle.card.name.description ?? "")
    }
  }

  /// Instead of the whole vector.
  private static let wrong: [(body: String, code: String, part: String)] = [
    (#"{"features":[1,2,3]}"#, "wrong_features", "3 features; expected"),
    (#"{"features":[]}"#, "wrong_features", "0 features; expected"),
    (#"{"features":VECTOR,"names":["a"]}"#, "wrong_features", "1 names; expected"),
    (#"{"features":VECTOR,"names":SWAPPED}"#, "wrong_features", "expected “"),
    (#"{"features":VECTOR,"feature_set":"cafe"}"#, "wrong_features", "of the feature set “cafe”"),
    (#"{"features":VECTOR,"schema_hash":"cafe"}"#, "wrong_features", "of the feature set “cafe”"),
    (#"{"features":LARGE}"#, "wrong_features", "is not finite as a 32-bit number"),
    (#"{"features":VECTOR,"target":"next-week"}"#, "unknown_target", "none of direction-5m"),
    (#"{"features":VECTOR,"target":"move-60s"}"#, "unknown_target", "none of direction-5m"),
    (#"{"features":VECTOR,"target":"window-15m"}"#, "wrong_window", "minutes_left"),
    (
      #"{"features":VECTOR,"window":{"minutes_left":1,"move_basis_points":0}}"#, "wrong_window", "has no window"
    ),
    (
      #"{"features":VECTOR,"target":"window-5m","window":{"minutes_left":6,"move_basis_points":0}}"#, "wrong_window",
      "6 minutes left of window-5m"
    ),
    (
      #"{"features":VECTOR,"target":"window-5m","window":{"minutes_left":0.5,"move_basis_points":0}}"#, "wrong_window",
      "whole number"
    ),
    (#"{"features":VECTOR,"target":"window-5m","window":{}}"#, "wrong_window", "has both"),
    (#"{"features":VECTOR,"model":"Oracle"}"#, "unknown_model", "none of ModelA"),
    (#"{"features":VECTOR,"model":"Ensemble"}"#, "wrong_model", "an hour of minutes"),
    (#"{"features":VECTOR,"price":1}"#, "unknown_member", "“price” is none of features"),
    (#"{}"#, "no_features", "GET /v1/features"),
  ]

  @Test(arguments: wrong.indices) func `what is wrong is named with what was expected, with and without a model`(
    index: Int
  ) async throws {
    let (template, code, part) = Self.wrong[index]
    let vector = SampleModels.vector(seed: 2)
    let large = "[" + ["1e300"].joined() + "," + vector.dropFirst().map { _ in "0" }.joined(separator: ",") + "]"
    let names = Array(SampleModels.set.names.reversed())
    let body = template.replacing("VECTOR", with: SampleModels.json(vector)).replacing("LARGE", with: large)
      .replacing("SWAPPED", with: "\(names)")
    for served in [models.served, try SampleModels([]).served] {
      let answer = try await ask(body, served)
      #expect(answer.status == 422)
      let text = String(decoding: answer.body, as: UTF8.self)
      #expect(text.hasPrefix(#"{"error":{"code":"\#(code)","#) && text.contains(part), "\(text)")
      if code == "wrong_features" { #expect(text.contains(#""expected":{"feature_set":"#)) }
    }
  }

  @Test(arguments: [
    "", "{", "[]", "null", #"{"features":}"#, #"{"features":[1,]}"#, #"{"features":[01]}"#, #"{"features":[.5]}"#,
    #"{"features":[1.]}"#, #"{"features":[1e]}"#, #"{"features":[-]}"#, #"{"features":[+1]}"#, #"{"features":[NaN]}"#,
    #"{"features":["1"]}"#, #"{"features":[1]} x"#, #"{"features":[1],"features":[1]}"#, #"{"target":"\ud800"}"#,
    #"{"target":"\x"}"#, #"{features:[1]}"#, #"{"features":[[1]]}"#, #"{"features":[1 2]}"#, #"{"target":"a"#,
  ])
  func `what is not the JSON that is expected says at which byte`(body: String) async throws {
    let answer = try await ask(body)
    #expect(answer.status == 400)
    let text = String(decoding: answer.body, as: UTF8.self)
    #expect(text.hasPrefix(#"{"error":{"code":"bad_json","#) && text.contains("at byte"), "\(text)")
  }
}

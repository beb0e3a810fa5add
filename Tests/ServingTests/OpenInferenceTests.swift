import Features
import FoundationEssentials
import Market
import Models
import Serving
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct OpenInferenceTests {
  private struct Answer: Decodable {
    enum Value: Decodable, Equatable {
      case number(Double)
      case text(String)

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
          self = .number(number)
        } else {
          self = .text(try container.decode(String.self))
        }
      }
    }

    struct Output: Decodable {
      let name: String
      let datatype: String
      let shape: [Int]
      let data: [Value]
    }

    let model_name: String
    let model_version: String
    let id: String?
    let outputs: [Output]
  }

  private let models: SampleModels

  init() throws { models = try SampleModels() }

  private func asking() throws -> Asking { try Asking(Route.openInference(models.served, version: "1", ready: {})) }

  private func rows(_ seeds: Range<UInt64>) -> (vectors: [[Float]], data: String) {
    let vectors = seeds.map { SampleModels.vector(seed: $0) }
    return (vectors, "[" + vectors.map(SampleModels.json).joined(separator: ",") + "]")
  }

  private var width: Int { SampleModels.set.count }

  @Test func `rows are answered for one by one, under the protocol's names`() async throws {
    let (vectors, data) = rows(0..<5)
    let body = """
      {"id":"7","parameters":{"any":[1,{}]},"inputs":[{"name":"features","data":\(data),"datatype":"FP32",
      "shape":[5,\(width)]}],"outputs":[{"name":"probability_up","parameters":{"binary_data":false}}]}
      """
    var bundle = try #require(models.bundles[SampleModels.direction])
    let truth = vectors.map { bundle.predict($0).modelA?.value ?? .nan }
    for path in ["", "/versions/20240101-1"] {
      let answer = try await asking().post("/v2/models/direction-15m\(path)/infer", body)
      try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
      let inference = try JSONDecoder().decode(Answer.self, from: Data(answer.body))
      #expect(inference.id == "7" && inference.model_version == "20240101-1")
      #expect(inference.outputs.map(\.name) == ["probability_up"] && inference.outputs[0].shape == [5, 1])
      #expect(inference.outputs[0].data == truth.map { .number($0) })
    }
  }

  @Test func `a window is an input of its own`() async throws {
    let (vectors, data) = rows(0..<2)
    let body = """
      {"inputs":[{"name":"features","shape":[2,\(width)],"datatype":"FP64","data":\(data)},
      {"name":"window","shape":[2,2],"datatype":"FP64","data":[3,1.5,9,-4]}]}
      """
    var bundle = try #require(models.bundles[SampleModels.window])
    let states = [
      WindowState(minutesLeft: 3, moveBasisPoints: 1.5), WindowState(minutesLeft: 9, moveBasisPoints: -4),
    ]
    let truth = zip(vectors, states).map { bundle.predict($0, window: $1).modelA?.value ?? .nan }
    let answer = try await asking().post("/v2/models/window-15m/infer", body)
    let inference = try JSONDecoder().decode(Answer.self, from: Data(answer.body))
    #expect(inference.outputs[0].data == truth.map { .number($0) })
    #expect(inference.outputs[1].data == [.text("ModelA"), .text("ModelA")])
  }

  @Test(arguments: [
    ("GET", "/v2", 200), ("GET", "/v2/health/live", 200), ("GET", "/v2/health/ready", 200),
    ("GET", "/v2/models/direction-15m", 200), ("GET", "/v2/models/direction-15m/ready", 200),
    ("GET", "/v2/models/direction-60m/versions/baseline", 200), ("GET", "/v2/models/direction-60m/versions/9", 404),
    ("GET", "/v2/models/direction-15m/versions/20240101-1/ready", 200), ("GET", "/v2/models/nothing/ready", 404),
    ("POST", "/v2/models/nothing/infer", 404), ("GET", "/v2/models/direction-15m/infer", 405),
  ])
  func `servers and models tell of themselves`(method: String, path: String, status: Int) async throws {
    #expect(try await asking()(path, method: method).status == status)
  }

  @Test(arguments: [
    (#"{"inputs":[]}"#, "expected the inputs features"),
    (#"{"inputs":[{"name":"prices","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#, "no input “prices”"),
    (#"{"inputs":[{"name":"features","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#, "has the shape [1, 2]"),
    (#"{"inputs":[{"name":"features","shape":[1,2],"datatype":"INT8","data":[1,2]}]}"#, "is INT8"),
    (#"{"inputs":[{"name":"features","shape":[-1],"datatype":"FP32","data":[]}]}"#, "up to four sizes"),
    (#"{"inputs":[{"name":"features","shape":[1,WIDTH],"datatype":"FP32","data":[1]}]}"#, "has 1 values"),
    (#"{"inputs":[{"name":"features","shape":[9999,WIDTH],"datatype":"FP32","data":[]}]}"#, "expected [1…1024"),
    (
      #"{"inputs":[{"name":"features","shape":[1,1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}"#,
      "4 bytes are announced"
    ),
  ])
  func `wrong inputs are named`(template: String, part: String) async throws {
    let body = template.replacing("WIDTH", with: "\(width)")
    let answer = try await asking().post("/v2/models/direction-15m/infer", body)
    #expect(answer.status == 422)
    #expect(
      String(decoding: answer.body, as: UTF8.self).contains(part), "\(String(decoding: answer.body, as: UTF8.self))")
  }
}

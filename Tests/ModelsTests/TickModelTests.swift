import CAllocationCounter
import Glibc
import Market
import TestSupport
import Testing

@testable import Models

struct TickModelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func points(_ count: Int, seed: UInt64) -> [[Double]] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in (0..<12).map { _ in .random(in: -3...3, using: &generator) } }
  }

  private func refusal(_ made: MadeTickVersion, _ change: ([String: [UInt8]]) throws -> [String: [UInt8]]) -> String {
    do {
      let path = folder.path + "/changed"
      let files = try change([VersionDirectory.File.weights: made.tensors.safetensors])
      let directory = try VersionDirectory.write(
        try made.card(), calibration: made.calibration, ticks: made.facts, files: files, to: path)
      _ = try TickModel(directory)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: TickModel.Shape.allCases)
  func `an answer is that of its parts, put together by hand`(shape: TickModel.Shape) throws {
    let made = MadeTickVersion(shape: shape)
    let model = try TickModel(
      path: try made.write(in: folder.path), view: MadeVersion.view, inputsHash: "cafe", inputNames: made.inputNames)
    let points = points(7, seed: 1)
    let answer = try #require(model.answer(points))

    let scaler = try Scaler(tensors: made.tensors, inputCount: 12)
    let scaled = points.suffix(shape.pointCount).flatMap { scaler.scaled($0.map(Float.init)) }
    let output = Double(try PerceptronKernel(tensors: made.tensors).margin(scaled))
    #expect(answer.moveBasisPoints == output)
    let chance = 0.5 * (1 + erf(output / 4 / 2.0.squareRoot()))
    let calibrated = 1 / (1 + exp(-(0.9 * log(chance / (1 - chance)) + 0.01)))
    #expect(abs(answer.probabilityUp - calibrated) < 1e-12)
    #expect(abs(answer.price(from: 60_000) - 60_000 * exp(output / 10_000)) < 1e-9)
    #expect(model.answer(points.dropLast(2)) != answer)
  }

  @Test func `fewer points than a sequence reads give no answer`() throws {
    let made = MadeTickVersion(shape: .sequence)
    let model = try TickModel(try VersionDirectory(verifying: try made.write(in: folder.path)))
    #expect(model.answer(points(4, seed: 2)) == nil)
    #expect(model.answer(points(5, seed: 2)) != nil)
  }

  @Test func `other inputs and another view are refused`() throws {
    let made = MadeTickVersion()
    let path = try made.write(in: folder.path)
    #expect(
      throws: VersionError.mismatch(what: "the feature set's hash", folder: path, expected: "beef", actual: "cafe")
    ) {
      try TickModel(path: path, view: made.view, inputsHash: "beef", inputNames: made.inputNames)
    }
    #expect(throws: VersionError.self) {
      try TickModel(path: path, view: made.view, inputsHash: "cafe", inputNames: made.inputNames.reversed())
    }
    #expect(throws: VersionError.self) {
      try TickModel(
        path: path, view: MarketView("binance:ETHUSDT")!, inputsHash: "cafe", inputNames: made.inputNames)
    }
  }

  @Test func `a changed byte is found`() throws {
    let path = try MadeTickVersion().write(in: folder.path)
    let file = path + "/ticks.json"
    let descriptor = open(file, O_WRONLY | O_APPEND)
    #expect(write(descriptor, " ", 1) == 1)
    close(descriptor)
    #expect(throws: VersionError.self) { try VersionDirectory(verifying: path) }
  }

  @Test func `parts that do not fit together are refused by name`() throws {
    #expect(
      refusal(MadeTickVersion(shape: .sequence)) { _ in
        [VersionDirectory.File.weights: MadeTickVersion().tensors.safetensors]
      }.contains("number of inputs is 12, expected 60"))
  }

  @Test func `a deviation of zero is refused`() {
    #expect(refusal(MadeTickVersion(residualDeviation: 0)) { $0 }.contains("residual deviation must be above 0"))
  }

  @Test func `each cadence refuses the other's versions`() throws {
    let ticks = try VersionDirectory(verifying: try MadeTickVersion().write(in: folder.path))
    #expect(throws: VersionError.self) { try ModelBundle(ticks) }
    let candles = try VersionDirectory(verifying: try MadeVersion().write(in: folder.path))
    #expect(throws: VersionError.self) { try TickModel(candles) }
  }

  @Test func `a version is registered, promoted and served for its own slot`() throws {
    let registry = Registry(path: folder.path + "/models")
    let made = MadeTickVersion()
    let time = Timestamp("2024-02-01")!
    let name = try registry.register(staged: try made.write(in: folder.path), at: time, who: "me", why: "test")
    try registry.promote(name, at: time, who: "me", why: "test")
    let slot = RegistrySlot(made.view, .move(horizonSeconds: 60))
    #expect(try registry.serving(slot) == .production(name))
    #expect(try TickModel(try registry.directory(of: name)).card.name == name)
  }

  @Test func `what was learnt from made-up trades is never promoted, not even by force`() throws {
    let registry = Registry(path: folder.path + "/models")
    let made = MadeTickVersion(isSynthetic: true)
    let time = Timestamp("2024-02-01")!
    let name = try registry.register(staged: try made.write(in: folder.path), at: time, who: "me", why: "test")
    #expect(throws: RegistryError.synthetic(name)) {
      try registry.promote(name, isForced: true, at: time, who: "me", why: "test")
    }
  }

  @Test func `an answer allocates nothing`() throws {
    #if !DEBUG
    guard allocation_count() >= 0 else { return }
    for shape in TickModel.Shape.allCases {
      let made = MadeTickVersion(shape: shape, name: shape.rawValue)
      let model = try TickModel(try VersionDirectory(verifying: try made.write(in: folder.path)))
      let points = points(100, seed: 3)
      let before = allocation_count()
      var answered = 0
      for end in 5...100 where model.answer(points[(end - 5)..<end]) != nil { answered += 1 }
      #expect(allocation_count() - before == 0)
      #expect(answered == 96)
    }
    #endif
  }
}

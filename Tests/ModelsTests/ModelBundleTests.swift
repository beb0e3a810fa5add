import CAllocationCounter
import FoundationEssentials
import Glibc
import Market
import TestSupport
import Testing

@testable import Models

struct ModelBundleTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `answers are those of the parts, put together by hand`() throws {
    let made = MadeVersion()
    var bundle = try ModelBundle(
      path: try made.write(in: folder.path), view: MadeVersion.view, featureSetHash: "cafe",
      columnNames: made.columnNames)
    #expect(bundle.modelNames == [.a, .b, .c, .mlp, .ensemble])
    var generator = SplitMix64(seed: 1)
    let vectors = (0..<60).map { _ in made.vector(&generator) }
    for (minute, vector) in vectors.enumerated() { bundle.observe(vector, closeTime: Timestamp(minute: Int64(minute))) }
    let window = WindowState(minutesLeft: 9, moveBasisPoints: -4.5)
    let answers = bundle.predict(vectors[59], window: window)

    let form = try #require(ClosedForm(window, volatility: Double(Float(0.0006))))
    let offset = Float(form.logit)
    let input = Array(vectors[59].dropFirst(5)) + [9, -4.5, Float(form.z)]
    let tensors = try made.tensors()
    let scaler = try Scaler(tensors: tensors, inputCount: input.count)
    var kernel = try SequenceKernel(tensors: tensors)
    for vector in vectors {
      kernel.push(Array(scaler.scaled(Array(vector.dropFirst(5)) + [0, 0, 0])[5..<23]))
    }
    let latents = try #require(kernel.run())
    let files = try made.files()
    let a = try TreeEnsemble(json: files["model_a.json"]!).margin(input, baseMargin: offset)
    let b = kernel.margin(latents, extras: Array(scaler.scaled(input).suffix(3)), offset: offset)
    let c = try TreeEnsemble(json: files["model_c.json"]!).margin(input + latents.array, baseMargin: offset)
    let mlp = try PerceptronKernel(tensors: tensors).margin(scaler.scaled(input), offset: offset)
    #expect(answers.modelA?.margin == a)
    #expect(answers.modelB?.margin == b)
    #expect(answers.modelC?.margin == c)
    #expect(answers.mlp?.margin == mlp)
    #expect(answers.baseline?.value == form.probability.value)
    #expect(answers.abstention == nil)
    let calibration = made.calibration
    let p = [
      try #require(calibration.modelA).probability(margin: Double(a)),
      try #require(calibration.modelB).probability(margin: Double(b)),
      try #require(calibration.modelC).probability(margin: Double(c)),
    ]
    #expect(p == [answers.modelA?.value, answers.modelB?.value, answers.modelC?.value])
    let mean = zip([0.5, 0.25, 0.25], p).reduce(0) { $0 + $1.0 * log($1.1 / (1 - $1.1)) }
    #expect(abs(try #require(answers.ensemble).value - 1 / (1 + exp(-mean))) < 1e-12)
  }

  @Test func `a hole silences the models that need a sequence for an hour`() throws {
    let made = MadeVersion(target: .direction(horizonMinutes: 15))
    var bundle = try ModelBundle(try VersionDirectory(verifying: try made.write(in: folder.path)))
    var generator = SplitMix64(seed: 1)
    var silent = 0
    for minute in [0..<80, 81..<160].joined() {
      let vector = made.vector(&generator)
      bundle.observe(vector, closeTime: Timestamp(minute: Int64(minute)))
      let answers = bundle.predict(vector)
      #expect(answers.modelA != nil && answers.mlp != nil)
      #expect(answers.baseline?.value == 0.51)
      if answers.modelB == nil {
        silent += 1
        #expect(answers.modelC == nil && answers.ensemble == nil)
        #expect(answers.abstention == .shortSequence(steps: minute < 80 ? minute + 1 : minute - 80, needed: 60))
      }
    }
    #expect(silent == 59 + 59)
  }

  @Test func `a window target abstains outside a window and without a volatility`() throws {
    let made = MadeVersion()
    var bundle = try ModelBundle(try VersionDirectory(verifying: try made.write(in: folder.path)))
    var generator = SplitMix64(seed: 1)
    var vector = made.vector(&generator)
    #expect(bundle.predict(vector).abstention == .noWindow)
    vector[79] = .nan
    let answers = bundle.predict(vector, window: WindowState(minutesLeft: 3, moveBasisPoints: 1))
    #expect(answers.abstention == .noVolatility)
    #expect(answers.modelA == nil && answers.baseline == nil)
  }

  @Test func `percent changes are not squeezed into probabilities`() throws {
    let made = MadeVersion(target: .change(horizonMinutes: 15))
    var bundle = try ModelBundle(try VersionDirectory(verifying: try made.write(in: folder.path)))
    var generator = SplitMix64(seed: 1)
    let vector = made.vector(&generator)
    for minute in 0..<60 { bundle.observe(vector, closeTime: Timestamp(minute: Int64(minute))) }
    let answers = bundle.predict(vector)
    #expect(answers.modelA.map { Double($0.margin) } == answers.modelA?.value)
    let a = try #require(answers.modelA).value
    let b = try #require(answers.modelB).value
    let c = try #require(answers.modelC).value
    #expect(abs(try #require(answers.ensemble).value - (a / 2 + b / 4 + c / 4)) < 1e-12)
  }

  @Test func `contributions of a prediction sum to its margin`() throws {
    let made = MadeVersion()
    var bundle = try ModelBundle(try VersionDirectory(verifying: try made.write(in: folder.path)))
    var generator = SplitMix64(seed: 1)
    let vector = made.vector(&generator)
    for minute in 0..<60 { bundle.observe(vector, closeTime: Timestamp(minute: Int64(minute))) }
    let answers = bundle.predict(vector, window: WindowState(minutesLeft: 3, moveBasisPoints: 1))
    let offset = try #require(answers.baseline).margin
    for (name, margin) in [(ModelName.a, answers.modelA?.margin), (.c, answers.modelC?.margin)] {
      let parts = try #require(bundle.contributions(of: name, offset: offset))
      #expect(abs(parts.inputs.reduce(parts.start) { $0 + $1.value } - Double(try #require(margin))) < 1e-5)
    }
    #expect(bundle.contributions(of: .a, offset: offset)?.inputs.last?.name == "window_z")
    #expect(bundle.contributions(of: .c, offset: offset)?.inputs.last?.name == "latent_31")
  }

  @Test func `a prediction allocates nothing`() throws {
    #if !DEBUG
    guard allocation_count() >= 0 else { return }
    for target in [PredictionTarget.window(lengthMinutes: 15), .direction(horizonMinutes: 15)] {
      let made = MadeVersion(target: target, name: "v-\(target)")
      var bundle = try ModelBundle(try VersionDirectory(verifying: try made.write(in: folder.path)))
      var generator = SplitMix64(seed: 1)
      let vectors = (0..<200).map { _ in made.vector(&generator) }
      let before = allocation_count()
      var answered = 0
      for (minute, vector) in vectors.enumerated() {
        bundle.observe(vector, closeTime: Timestamp(minute: Int64(minute)))
        let answers = bundle.predict(vector, window: WindowState(minutesLeft: 3, moveBasisPoints: 2))
        if answers.ensemble != nil { answered += 1 }
      }
      #expect(allocation_count() - before == 0)
      #expect(answered == 141)
    }
    #endif
  }

  @Test func `parts that do not fit together are refused`() throws {
    let made = MadeVersion()
    var files = try made.files()
    files["model_a.json"] = MadeVersion.trees(features: 40, count: 2, depth: 2, seed: 1)
    try VersionDirectory.write(
      try made.card(), calibration: made.calibration, files: files, to: folder.path + "/narrow")
    #expect(
      throws: VersionError.mismatch(
        what: "model A's number of inputs", folder: folder.path + "/narrow", expected: "78", actual: "40")
    ) { try ModelBundle(try VersionDirectory(verifying: folder.path + "/narrow")) }

    files["model_a.json"] = nil
    try VersionDirectory.write(
      try made.card(), calibration: made.calibration, files: files, to: folder.path + "/none")
    #expect(throws: VersionError.missing(file: "model_a.json", folder: folder.path + "/none")) {
      try ModelBundle(try VersionDirectory(verifying: folder.path + "/none"))
    }
  }

  @Test func `another feature set is refused`() throws {
    let made = MadeVersion()
    let path = try made.write(in: folder.path)
    #expect(
      throws: VersionError.mismatch(what: "the feature set's hash", folder: path, expected: "beef", actual: "cafe")
    ) { try ModelBundle(path: path, view: MadeVersion.view, featureSetHash: "beef", columnNames: made.columnNames) }
    #expect(throws: VersionError.self) {
      try ModelBundle(
        path: path, view: MadeVersion.view, featureSetHash: "cafe", columnNames: made.columnNames.reversed())
    }
  }

  @Test func `another market view is refused`() throws {
    let made = MadeVersion()
    let path = try made.write(in: folder.path)
    let view = try #require(MarketView("chainlink:BTC/USD+binance:BTCUSDT"))
    let error = VersionError.mismatch(
      what: "the market view", folder: path, expected: "\(view)", actual: "binance:BTCUSDT")
    #expect(throws: error) {
      try ModelBundle(path: path, view: view, featureSetHash: "cafe", columnNames: made.columnNames)
    }
    #expect(
      error.description.hasSuffix("the market view is binance:BTCUSDT, expected chainlink:BTC/USD+binance:BTCUSDT"))
  }
}

import Learning
import Market
import Testing

struct BoosterTests {
  @Test func `trees learn what no single column shows`() throws {
    let data = exclusiveOr(rows: 4_000, seed: 1)
    let booster = try Booster.fit(quick(rounds: 60), training: data)
    let margins = try booster.margins(of: data.blocks, rows: data.rows)
    let right = data.rows.count { (margins[$0] > 0) == (data.goals.labels[$0] == 1) }
    #expect(right > 3_800)
    #expect(booster.time.nanoseconds > 0)
  }

  @Test func `the model does not depend on the number of threads`() throws {
    let data = exclusiveOr(rows: 20_000, seed: 2)
    let models = try [1, 2, 3].map { threads in
      var parameters = quick(rounds: 15)
      (parameters.rowFraction, parameters.columnFraction, parameters.threads) = (0.7, 0.7, threads)
      return try Booster.fit(parameters, training: data).json()
    }
    #expect(models[0] == models[1])
    #expect(models[0] == models[2])
  }

  @Test func `columns of several matrices count as one matrix`() throws {
    let joined = exclusiveOr(rows: 2_000, seed: 3)
    let split = (0..<joined.blocks[0].columns).map { column in
      Matrix(columns: 1, values: joined.rows.map { joined.blocks[0].values[$0 * joined.blocks[0].columns + column] })
    }
    let apart = BoosterExamples(split, rows: joined.rows, goals: joined.goals)
    let parameters = quick(rounds: 10)
    #expect(
      try Booster.fit(parameters, training: joined).json() == Booster.fit(parameters, training: apart).json())
  }

  @Test func `only the picked rows are learnt from`() throws {
    var data = exclusiveOr(rows: 2_000, seed: 4)
    let picked = Array(stride(from: 0, to: 2_000, by: 2))
    var spoiled = data.goals
    for row in stride(from: 1, to: 2_000, by: 2) { spoiled.labels[row] = .nan }
    let clean = BoosterExamples(data.blocks, rows: picked, goals: data.goals)
    data = BoosterExamples(data.blocks, rows: picked, goals: spoiled)
    #expect(
      try Booster.fit(quick(rounds: 5), training: clean).json() == Booster.fit(quick(rounds: 5), training: data).json())
  }

  @Test func `an offset is where a margin starts`() throws {
    let data = exclusiveOr(rows: 2_000, seed: 5)
    let offsets = data.rows.map { Float($0 % 7) - 3 }
    let goals = Goals(labels: data.goals.labels, offsets: offsets)
    let examples = BoosterExamples(data.blocks, rows: data.rows, goals: goals)
    let booster = try Booster.fit(quick(rounds: 5), training: examples)
    let zeros = [Float](repeating: 0, count: offsets.count)
    let with = try booster.margins(of: data.blocks, rows: data.rows, offsets: offsets)
    let without = try booster.margins(of: data.blocks, rows: data.rows, offsets: zeros)
    let plain = try booster.margins(of: data.blocks, rows: data.rows)
    for row in data.rows { #expect(abs(with[row] - without[row] - offsets[row]) < 1e-5) }
    #expect(plain == without)
  }

  @Test func `a fit stops when the validation score no longer falls and keeps the best rounds`() throws {
    let noise = noise(rows: 600, seed: 6)
    var parameters = quick(rounds: 300)
    (parameters.patience, parameters.learningRate) = (5, 0.5)
    var seen: [Booster.Progress] = []
    let booster = try Booster.fit(
      parameters,
      training: BoosterExamples(noise.blocks, rows: Array(0..<300), goals: noise.goals),
      validation: BoosterExamples(noise.blocks, rows: Array(300..<600), goals: noise.goals)
    ) { seen.append($0) }
    let best = try #require(booster.best)
    #expect(seen.count == best.rounds + 5)
    #expect(best.validation == seen.compactMap(\.validation).min())

    let margins = try booster.margins(of: noise.blocks, rows: Array(300..<600))
    let loss =
      zip(margins, noise.goals.labels[300...]).map { logLoss(margin: Double($0), label: $1) }.reduce(0, +) / 300
    #expect(abs(loss - best.validation) < 1e-6)
  }

  @Test func `an observer's error ends the fit`() throws {
    struct Enough: Error {}
    var rounds = 0
    #expect(throws: Enough.self) {
      try Booster.fit(quick(rounds: 50), training: noise(rows: 100, seed: 7)) { progress in
        rounds = progress.round
        if rounds == 3 { throw Enough() }
      }
    }
    #expect(rounds == 3)
  }

  @Test func `a model read back gives the same margins and the same bytes`() throws {
    let data = exclusiveOr(rows: 500, seed: 8)
    let booster = try Booster.fit(quick(rounds: 10), training: data)
    let again = try Booster(json: booster.json())
    #expect(
      try booster.margins(of: data.blocks, rows: data.rows) == again.margins(of: data.blocks, rows: data.rows))
    #expect(try booster.json() == again.json())
  }

  @Test func `a regression learns values`() throws {
    let data = exclusiveOr(rows: 2_000, seed: 9)
    let goals = Goals(labels: data.goals.labels.map { $0 * 10 - 3 })
    var parameters = quick(rounds: 60)
    parameters.objective = .squaredError
    let booster = try Booster.fit(
      parameters, training: BoosterExamples(data.blocks, rows: data.rows, goals: goals))
    let margins = try booster.margins(of: data.blocks, rows: data.rows)
    let error = zip(margins, goals.labels).map { ($0 - $1) * ($0 - $1) }.reduce(0, +) / 2_000
    #expect(error < 2)
  }

  @Test func `an empty training set is an error`() throws {
    let data = noise(rows: 10, seed: 10)
    #expect(throws: BoosterError.noExamples(set: "training")) {
      try Booster.fit(quick(rounds: 1), training: BoosterExamples(data.blocks, rows: [], goals: data.goals))
    }
  }

  @Test func `a missing library is an error that says what to run`() {
    #expect {
      try XGBoostLibrary(paths: ["/nowhere/libxgboost.so"])
    } throws: { error in
      "\(error)".contains("/nowhere/libxgboost.so") && "\(error)".contains("make setup")
    }
  }

  @Test func `the library is looked for where the user, the set-up and the system keep it`() {
    let environment = ["CANDLECAST_XGBOOST": "/a.so", "XDG_CACHE_HOME": "/x", "HOME": "/h"]
    #expect(
      XGBoostLibrary.candidates { environment[$0] }
        == ["/a.so", "/x/candlecast/xgboost/xgboost/lib/libxgboost.so", "libxgboost.so"])
    #expect(
      XGBoostLibrary.candidates { ["HOME": "/h"][$0] }
        == ["/h/.cache/candlecast/xgboost/xgboost/lib/libxgboost.so", "libxgboost.so"])
  }

  private func quick(rounds: Int) -> BoosterParameters {
    var parameters = BoosterParameters()
    (parameters.rounds, parameters.learningRate) = (rounds, 0.3)
    return parameters
  }

  private func noise(rows: Int, seed: UInt64) -> BoosterExamples {
    examples(rows: rows, seed: seed) { _, generator in generator.next().isMultiple(of: 2) }
  }

  /// Up iff exactly one of the first two columns is positive; some values of the third are unknown.
  private func exclusiveOr(rows: Int, seed: UInt64) -> BoosterExamples {
    examples(rows: rows, seed: seed) { row, _ in (row[0] > 0) != (row[1] > 0) }
  }

  private func examples(
    rows: Int, seed: UInt64, label: (ArraySlice<Float>, inout SplitMix64) -> Bool
  ) -> BoosterExamples {
    var generator = SplitMix64(seed: seed)
    var (values, labels): ([Float], [Float]) = ([], [])
    for _ in 0..<rows {
      let row = (0..<4).map { _ in Float.random(in: -1...1, using: &generator) }
      labels.append(label(row[...], &generator) ? 1 : 0)
      values += row
      if Bool.random(using: &generator) { values[values.count - 2] = .nan }
    }
    return BoosterExamples(
      [Matrix(columns: 4, values: values)], rows: Array(0..<rows), goals: Goals(labels: labels))
  }
}

import Dataset
import Evaluation
import Features
import Glibc
import Market
import Models
import TestSupport
import Testing

@testable import Learning

struct ExamplesTests {
  /// Two holes, the longer of which begins warm-ups anew, and a candle that came late.
  private static let records: [CandleRecord] = {
    var records = RandomWalk()(seed: 4, count: 3400).map(CandleRecord.init(archived:))
    records.removeSubrange(1500..<1510)
    records.removeSubrange(900..<903)
    let late = records.remove(at: 2400)
    records.insert(CandleRecord(late.candle, lateAt: records[2450].availableAt.adding(microseconds: 1)), at: 2451)
    return records
  }()
  private static let dataset = Result { try Dataset.made(records) }

  /// Decision times that a reader of the candles alone finds eligible, with the final closes by close time.
  private func eligible(horizonMinutes: Int) -> (times: [Timestamp], closes: [Timestamp: Double]) {
    let closes = Dictionary(
      Self.records.map { ($0.candle.closeTime, $0.candle.close.doubleValue) }, uniquingKeysWith: { $1 })
    var times: [Timestamp] = []
    var (warm, unbroken) = (0, 0)
    var newest: Timestamp?
    var lateness: Timestamp?
    for record in Self.records {
      let time = record.candle.closeTime
      if let newest, time < newest {
        lateness = record.availableAt
        continue
      }
      let step = newest.map { time.minutes(since: $0) } ?? 1
      unbroken = step == 1 ? unbroken + 1 : 1
      warm = step > 6 ? 1 : warm + 1
      newest = time
      let isNear = lateness.map { time < $0.adding(minutes: 61) } ?? false
      guard warm >= 300, unbroken >= 60, !isNear, closes[time.adding(minutes: horizonMinutes)] != nil else { continue }
      times.append(time)
    }
    return (times, closes)
  }

  @Test func `decisions are rows with a label, a whole sequence, warm features and no late truth near`() throws {
    let dataset = try Self.dataset.get()
    let examples = try Examples(dataset, plan: TrainingPlan(target: .direction(horizonMinutes: 15)))
    let expected = eligible(horizonMinutes: 15)
    #expect(examples.decisions.map { dataset.decisionTime($0) } == expected.times)
    #expect(examples.spans.decisionTimes == expected.times)
    #expect(examples.spans.labelEnds == expected.times.map { $0.adding(minutes: 15) })
    for row in examples.decisions {
      let time = dataset.decisionTime(row)
      let isUp = expected.closes[time.adding(minutes: 15)]! >= expected.closes[time]!
      #expect(examples.labels[row] == (isUp ? 1 : 0))
    }
    let rows = Set(examples.decisions)
    #expect(examples.labels.indices.allSatisfy { examples.labels[$0].isNaN != rows.contains($0) })
    #expect(examples.weights == nil && examples.offsets == nil)
  }

  @Test func `inputs are the model columns of the dataset`() throws {
    let dataset = try Self.dataset.get()
    let examples = try Examples(dataset, plan: TrainingPlan(target: .change(horizonMinutes: 5)))
    let columns = FeatureSet.candles.modelColumns
    #expect(examples.inputs.columns == columns.count)
    for row in stride(from: 0, to: dataset.rowCount, by: 97) {
      let input = examples.inputs.values[row * columns.count..<(row + 1) * columns.count]
      let vector = dataset.vector(row)
      #expect(input.map(\.bitPattern) == columns.map { vector[$0].bitPattern })
    }
  }

  @Test func `window extras and offsets are those of the closed form`() throws {
    let dataset = try Self.dataset.get()
    var examples = try Examples(dataset, plan: TrainingPlan(target: .window(lengthMinutes: 15)))
    let all = examples.decisions.indices
    let name = examples.chooseClosedForm(training: RangeSet(all))
    let volatility = try #require(name.flatMap { FeatureSet.candles.index(of: $0) })
    let width = examples.inputs.columns
    let opens = Dictionary(
      Self.records.map { ($0.candle.openTime, $0.candle.open.doubleValue) }, uniquingKeysWith: { $1 })
    #expect(width == FeatureSet.candles.modelColumns.count + 3)
    for row in examples.decisions {
      let time = dataset.decisionTime(row)
      let elapsed = Int(time.minute % 15)
      let move = 1e4 * log(dataset.closes[row] / opens[time.adding(minutes: -elapsed)]!)
      let sigma = Double(dataset.vector(row)[volatility])
      let z = move / 1e4 / (sigma * Double(15 - elapsed).squareRoot())
      let p = min(max(0.5 * erfc(-z / 2.0.squareRoot()), 1e-4), 1 - 1e-4)
      let extras = examples.inputs.values[(row + 1) * width - 3..<(row + 1) * width].map(Double.init)
      #expect(extras[0] == Double(15 - elapsed))
      #expect(abs(extras[1] - move) < 1e-4 && abs(extras[2] - z) < 1e-5)
      #expect(abs(Double(examples.offsets![row]) - log(p / (1 - p))) < 1e-4)
    }
  }

  @Test func `all windows weigh the same`() throws {
    let dataset = try Self.dataset.get()
    let examples = try Examples(dataset, plan: TrainingPlan(target: .window(lengthMinutes: 5)))
    var weights: [Int64: Double] = [:]
    for row in examples.decisions {
      weights[dataset.decisionTime(row).minute / 5, default: 0] += Double(examples.weights![row])
    }
    let mean = weights.values.reduce(0, +) / Double(weights.count)
    #expect(mean > 0 && weights.values.allSatisfy { abs($0 / mean - 1) < 1e-6 })
  }

  @Test func `a dataset with too few decisions or of other features is refused`() throws {
    let few = try Dataset.made(RandomWalk()(seed: 1, count: 700))
    #expect(throws: TrainingError.tooFewDecisions(386, needed: 2000)) {
      try Examples(few, plan: TrainingPlan(target: .direction(horizonMinutes: 15)))
    }
  }

  @Test func `the scan's latents and margins are torch's`() throws {
    let dataset = try Self.dataset.get()
    var examples = try Examples(dataset, plan: TrainingPlan(target: .window(lengthMinutes: 15)))
    let all = RangeSet(examples.decisions.indices)
    let volatility = examples.chooseClosedForm(training: all)
    let set = FeatureSet.candles
    let layout = try InputLayout(
      featureSetHash: set.hash.description, columnNames: set.names,
      modelColumns: set.modelColumns.map { set.names[$0] },
      sequenceColumns: set.sequenceColumns.map { set.names[$0] }, target: .window(lengthMinutes: 15),
      volatilityColumn: volatility)
    let scaled = ScaledInputs(
      examples.inputs, layout: layout,
      by: .init(
        .init(values: examples.inputs.values, columnCount: examples.inputs.columns), training: RangeSet(400..<800)))
    var parameters = NetworkParameters(.sequence)
    parameters.seed = 9
    let network = try Network(parameters, inputs: scaled.steps.columns, extras: 3)
    let rows = stride(from: 0, to: examples.decisions.count, by: 29).map { examples.decisions[$0] }
    let scan = try LatentScan(network.exported(), layout: layout, scaled, examples, threads: 2).answers(of: rows)
    let torch = try network.marginsAndLatents(
      of: NetworkExamples(inputs: scaled.steps, extras: scaled.extras, offsets: examples.offsets), rows: rows)
    for (index, row) in rows.enumerated() {
      #expect(abs(scan.margins[row] - torch.margins[index]) < 1e-5)
      for unit in 0..<32 {
        #expect(abs(scan.latents.values[row * 32 + unit] - torch.latents.values[index * 32 + unit]) < 1e-5)
      }
    }
    #expect(scan.margins.count { !$0.isNaN } == rows.count)
  }
}

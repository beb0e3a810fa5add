import Evaluation
import Market
import Testing

struct BaselineTests {
  private struct Fixture: Decodable {
    let columns: Int
    let rows: [Float?]
    let labels: [Double]
    let weights: [Double]
    let offset: [Double]
    let plain: [Double]
    let withOffset: [Double]
  }

  @Test(arguments: [false, true])
  func `the logistic regression is scikit-learn's`(hasOffset: Bool) throws {
    let fixture: Fixture = try golden("logistic")
    let matrix = RowMatrix(values: fixture.rows.map { $0 ?? .nan }, columnCount: fixture.columns)
    let model = LogisticRegression(
      fitting: .init(
        matrix: matrix, labels: fixture.labels, weights: fixture.weights, offset: hasOffset ? fixture.offset : nil,
        training: RangeSet(0..<fixture.labels.count)))
    for (mine, theirs) in zip(model.coefficients + [model.intercept], hasOffset ? fixture.withOffset : fixture.plain) {
      #expect(abs(mine - theirs) < 2e-5)
    }
  }

  @Test(arguments: 1..<4)
  func `columns that almost repeat each other do not keep the optimum from being found`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    func uniform() -> Double { Double(generator.next() >> 11) / 0x1p53 }
    let (count, columns) = (1500, 6)
    let base = (0..<count).map { _ in 40_000 + 3000 * uniform() }
    let values = base.flatMap { price in (0..<columns).map { Float(price + Double($0) * uniform()) } }
    let labels = base.map { uniform() < Logit.probability(margin: ($0 - 41_500) / 800) ? 1.0 : 0 }
    let offset = (0..<count).map { _ in 2 * uniform() - 1 }
    let matrix = RowMatrix(values: values, columnCount: columns)
    let model = LogisticRegression(
      fitting: .init(matrix: matrix, labels: labels, offset: offset, training: RangeSet(0..<count)))
    let margins = model.margins(matrix, offset: offset)
    for column in 0..<columns {
      let pull = (0..<count).reduce(model.coefficients[column]) { sum, row in
        let x = Double(model.standardisation.value(values[row * columns + column], column: column))
        return sum + x * (Logit.probability(margin: margins[row]) - labels[row])
      }
      #expect(abs(pull) / Double(count) < 2e-6)
    }
  }

  @Test func `rows outside the training set change nothing`() throws {
    let fixture: Fixture = try golden("logistic")
    let values = fixture.rows.map { $0 ?? .nan }
    func model(_ values: [Float]) -> LogisticRegression {
      LogisticRegression(
        fitting: .init(
          matrix: RowMatrix(values: values, columnCount: fixture.columns), labels: fixture.labels,
          training: RangeSet([0..<100, 120..<200])))
    }
    let changed = values.enumerated().map { 100 * 11..<120 * 11 ~= $0 || $0 >= 200 * 11 ? 1e9 : $1 }
    #expect(model(values) == model(changed))
  }

  @Test func `a column that does not vary and one that is never known have no part`() {
    let rows: [Float] = (0..<200).flatMap { [Float($0 % 7), 5, .nan] }
    let labels = (0..<200).map { $0 % 7 > 3 ? 1.0 : 0 }
    let model = LogisticRegression(
      fitting: .init(matrix: RowMatrix(values: rows, columnCount: 3), labels: labels, training: RangeSet(0..<200)))
    #expect(model.coefficients[0] > 1)
    #expect(model.coefficients[1] == 0 && model.coefficients[2] == 0)
    #expect(model.margin([6, 5, 1e30]).isFinite)
  }

  @Test(arguments: 0..<20)
  func `the base rate knows only labels that were finished`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let decisions = (0..<80).map { Timestamp(minute: Int64($0)) }
    let ends = decisions.map { $0.adding(minutes: Int(generator.next() % 20) + 1) }
    let labels = (0..<80).map { _ in generator.next() % 10 == 0 ? Double.nan : Double(generator.next() % 2) }
    let weights = (0..<80).map { _ in Double(generator.next() % 3) }
    let spans = LabelSpans(decisionTimes: decisions, labelEnds: ends)
    let rates = ExpandingMean.answers(spans, labels: labels, weights: weights)
    let changes = ExpandingMean.answers(spans, labels: labels, prior: .noChange)
    for row in 0..<80 {
      let known = (0..<80).filter { ends[$0] <= decisions[row] && !labels[$0].isNaN }
      let ups = known.reduce(1) { $0 + weights[$1] * labels[$1] }
      #expect(abs(rates[row] - ups / known.reduce(2) { $0 + weights[$1] }) < 1e-12)
      #expect(abs(changes[row] - known.reduce(0) { $0 + labels[$1] } / Double(known.count + 1)) < 1e-12)
    }
  }

  @Test func `momentum learns what follows a rise and a fall`() {
    let returns = [1.0, 1, 1, -1, -1, 0, .nan, 5]
    let labels = [1.0, 1, 0, 0, 0, 1, 1, 0]
    let momentum = Momentum(returns: returns, labels: labels, training: RangeSet(0..<7))
    #expect(momentum.answer(return: 0.3) == 3.0 / 5)
    #expect(momentum.answer(return: -2) == 1.0 / 4)
    #expect(momentum.answer(return: .nan) == 5.0 / 9)
    let changes = Momentum(returns: [1, 1, -1], labels: [3, 3, -4], training: RangeSet(0..<3), prior: .noChange)
    #expect(changes.answer(return: 2) == 2 && changes.answer(return: -2) == -2)
  }

  @Test func `the volatility window is chosen on training rows alone`() {
    let labels = [1.0, 0, 1, 0, 1, 0]
    let right = [2.0, -2, 2, -2, -9, 9]
    let wrong = [-1.0, 1, -1, 1, 9, -9]
    let choice = VolatilityChoice(candidates: [wrong, right], labels: labels, training: RangeSet(0..<4))
    #expect(choice?.index == 1)
    #expect(VolatilityChoice(candidates: [[.nan]], labels: [1], training: RangeSet(0..<1)) == nil)
  }
}

package import Dataset
package import Evaluation
internal import Features
package import Market
internal import Models

/// The points of a tick dataset that can be learnt from: their label is known, and the four before them are there.
///
/// Both shapes read the same ones, so that they can be compared.
package struct TickExamples {
  package let view: MarketView
  /// The inputs of every row, as a network takes them before scaling.
  package let inputs: Matrix
  /// Row of each decision.
  package let decisions: [Int]
  package let spans: LabelSpans
  /// By decision, in basis points.
  package let labels: [Double]
  /// What the straight line says, by decision; NaN where there is none.
  package let trends: [Double]

  /// Under this many decisions nothing can be learnt or judged.
  private static let fewest = 2000

  package init(_ dataset: TickDataset, plan: TickTrainingPlan) throws {
    let header = dataset.header
    guard let view = MarketView(header.view) else { throw TrainingError.badView(header.view) }
    guard header.inputsHash == TickInputs.hash.description, header.inputNames == TickInputs.names else {
      throw TrainingError.otherInputs(expected: TickInputs.hash.description, found: header.inputsHash)
    }
    guard header.horizonSeconds == plan.target.horizonSeconds else {
      throw TrainingError.badPlan("the dataset looks \(header.horizonSeconds) s ahead, the plan is for \(plan.target)")
    }
    guard header.hours >= plan.minimumTapeHours else {
      throw TrainingError.tooLittleTape(hours: header.hours, needed: plan.minimumTapeHours)
    }
    self.view = view
    inputs = Matrix(columns: header.inputNames.count, values: Array(dataset.inputs))
    decisions = Self.decisions(dataset)
    guard decisions.count >= Self.fewest else {
      throw TrainingError.tooFewPoints(decisions.count, needed: Self.fewest)
    }
    let times = decisions.map { dataset.time($0) }
    spans = LabelSpans(
      decisionTimes: times,
      labelEnds: times.map { $0.adding(microseconds: Int64(header.horizonSeconds) * 1_000_000) })
    labels = decisions.map { dataset.labels[$0] }
    trends = decisions.map { dataset.trends[$0] }
  }

  private static func decisions(_ dataset: TickDataset) -> [Int] {
    let interval = dataset.header.intervalMilliseconds * 1000
    let needed = TickModel.Shape.sequence.pointCount
    var run = 0
    var found: [Int] = []
    for row in 0..<dataset.rowCount {
      let follows = row > 0 && dataset.time(row - 1).adding(microseconds: interval) == dataset.time(row)
      run = follows ? run + 1 : 1
      if run >= needed, dataset.labels[row].isFinite { found.append(row) }
    }
    return found
  }

  /// 1 where the price did not fall.
  var ups: [Double] { labels.map { $0 >= 0 ? 1 : 0 } }

  /// The network's input of every decision, scaled as serving does.
  func scaled(_ shape: TickModel.Shape, by scaler: Scaler) -> Matrix {
    let (width, points) = (inputs.columns, shape.pointCount)
    var values: [Float] = []
    values.reserveCapacity(decisions.count * width * points)
    for row in decisions {
      for point in (row - points + 1)...row {
        for column in 0..<width {
          values.append(scaler.scaled(inputs.values[point * width + column], column: column))
        }
      }
    }
    return Matrix(columns: width * points, values: values)
  }
}

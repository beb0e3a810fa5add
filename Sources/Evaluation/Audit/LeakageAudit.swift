package import Market

/// Something whose answers by a moment must not depend on anything later.
package protocol AuditSubject {
  /// All that is decided by `cut`, given all events, later ones too: what it does not use cannot leak.
  func artefacts(from events: [MarketEvent], by cut: Timestamp) throws -> [Artefact]
}

/// Proves, for the moments tried, that nothing decided by then depends on what came later, nor at any time on what a view
/// does not read: that is changed, the subject runs again, and every artefact must have the same bits.
package struct LeakageAudit: Sendable {
  package let perturbations: [Perturbation]
  package let seed: UInt64
  private let view: MarketView

  /// - Parameter perturbations: those to try; all that mean something for the view unless given.
  package init(_ view: MarketView, perturbations: [Perturbation]? = nil, seed: UInt64) {
    let usual = Perturbation.allCases.filter { $0 != .unread || view.volume != nil }
    (self.view, self.perturbations, self.seed) = (view, perturbations ?? usual, seed)
  }

  /// Whole minutes drawn from a half-open period, sorted.
  package func randomCuts(_ count: Int, in period: Range<Timestamp>) -> [Timestamp] {
    var generator = SplitMix64(seed: seed)
    let minutes = UInt64(max(1, period.upperBound.minutes(since: period.lowerBound)))
    return (0..<count).map { _ in period.lowerBound.adding(minutes: Int(generator.next() % minutes)) }.sorted()
  }

  /// `progress` is told the parts done, from 0 to 1.
  package func run(
    _ subject: some AuditSubject, events: [MarketEvent], cuts: [Timestamp], progress: (Double) -> Void = { _ in }
  ) throws -> LeakageReport {
    var report = LeakageReport(cuts: cuts, comparedCount: 0, leaks: [])
    for (index, cut) in cuts.enumerated() {
      let unchanged = Perturbation.repetition.applied(to: events, of: view, after: cut, seed: seed)
      let truth = try subject.artefacts(from: unchanged, by: cut)
      for (step, perturbation) in perturbations.enumerated() {
        let changed = perturbation.applied(to: events, of: view, after: cut, seed: seed &+ UInt64(index))
        let again = try subject.artefacts(from: changed, by: cut)
        report.compare(truth, again, cut, perturbation)
        progress((Double(index) + Double(step + 1) / Double(perturbations.count)) / Double(cuts.count))
      }
    }
    return report
  }
}

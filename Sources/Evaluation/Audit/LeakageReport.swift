package import Market

/// What an audit found.
package struct LeakageReport: Codable, Sendable {
  /// One kind of artefact that changed with the future.
  package struct Leak: Codable, Sendable, CustomStringConvertible {
    package let artefact: String
    /// The first moment at which it was seen.
    package let cut: Timestamp
    /// The decision of the first artefact that differs.
    package let time: Timestamp?
    /// The changes that it follows, in the order tried.
    package fileprivate(set) var perturbations: [Perturbation]
    /// How many comparisons differed.
    package fileprivate(set) var count: Int

    package var description: String {
      let instance = time.map { " of \($0)" } ?? ""
      if perturbations.contains(.repetition) {
        return "\(artefact)\(instance) differs when nothing is changed: it is not deterministic"
      }
      if perturbations == [.unread] {
        return "\(artefact)\(instance) reads prices or quote amounts of the series that gives only volumes; "
          + "\(count) differences"
      }
      let what = perturbations.map(\.rawValue).joined(separator: ", ")
      return "\(artefact)\(instance), decided by \(cut), changes with what came later (\(what)); \(count) differences"
    }
  }

  package let cuts: [Timestamp]
  /// Pairs of artefacts compared.
  package private(set) var comparedCount: Int
  /// By artefact, in the order found.
  package private(set) var leaks: [Leak]

  package init(cuts: [Timestamp], comparedCount: Int, leaks: [Leak]) {
    (self.cuts, self.comparedCount, self.leaks) = (cuts, comparedCount, leaks)
  }

  /// Nothing leaked, and there was something to compare.
  package var isClean: Bool { leaks.isEmpty && comparedCount > 0 }

  private struct Key: Hashable {
    let name: String
    let time: Timestamp?
  }

  /// An artefact that only one of the two runs has differs too.
  mutating func compare(_ truth: [Artefact], _ again: [Artefact], _ cut: Timestamp, _ perturbation: Perturbation) {
    var others: [Key: [[UInt8]]] = [:]
    for artefact in again.reversed() {
      others[Key(name: artefact.name, time: artefact.time), default: []].append(artefact.bytes)
    }
    for artefact in truth {
      comparedCount += 1
      let other = others[Key(name: artefact.name, time: artefact.time)]?.popLast()
      if other != artefact.bytes { record(artefact.name, artefact.time, cut, perturbation) }
    }
    for artefact in again where others[Key(name: artefact.name, time: artefact.time)]?.popLast() != nil {
      record(artefact.name, artefact.time, cut, perturbation)
    }
  }

  private mutating func record(_ name: String, _ time: Timestamp?, _ cut: Timestamp, _ perturbation: Perturbation) {
    guard let index = leaks.firstIndex(where: { $0.artefact == name }) else {
      leaks.append(Leak(artefact: name, cut: cut, time: time, perturbations: [perturbation], count: 1))
      return
    }
    leaks[index].count += 1
    if !leaks[index].perturbations.contains(perturbation) { leaks[index].perturbations.append(perturbation) }
  }
}

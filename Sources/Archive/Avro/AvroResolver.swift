/// Matches what was written with what is to be read, as the specification's "Schema Resolution" wants it, and more
/// generously in three things: the names of the outermost records may differ, timestamps and decimals change their units,
/// and any number can be read as a decimal.
struct AvroResolver {
  /// Types nest no deeper than this, by name or in place.
  static let deepest = 100

  private struct Pair: Hashable {
    let written: Int
    let wanted: Int
  }

  private let written: [AvroType]
  private let wanted: [AvroType]
  private let roots: Pair
  private var steps: [AvroPlan.Step] = []
  private var known: [Pair: Int] = [:]
  private var depth = 0

  static func plan(_ written: AvroSchema, as wanted: AvroSchema?) throws(AvroFault) -> AvroPlan {
    var resolver = AvroResolver(written, wanted ?? written)
    let root = try resolver.resolve(written.root, wanted?.root ?? written.root)
    if case .impossible(let reason) = resolver.steps[root] { throw AvroFault(reason) }
    return AvroPlan(steps: resolver.steps, root: root)
  }

  private init(_ written: AvroSchema, _ wanted: AvroSchema) {
    (self.written, self.wanted) = (written.types, wanted.types)
    roots = Pair(written: written.root, wanted: wanted.root)
  }

  private mutating func resolve(_ from: Int, _ to: Int) throws(AvroFault) -> Int {
    let pair = Pair(written: from, wanted: to)
    if let place = known[pair] { return place }
    guard depth < Self.deepest else { throw AvroFault("its types are nested more than \(Self.deepest) deep") }
    let place = steps.count
    steps.append(.same(place))
    known[pair] = place
    depth += 1
    steps[place] = try step(pair)
    depth -= 1
    return place
  }

  private mutating func step(_ pair: Pair) throws(AvroFault) -> AvroPlan.Step {
    let (from, to) = (written[pair.written], wanted[pair.wanted])
    if case .union(let branches) = from.shape {
      var places: [Int] = []
      for branch in branches { places.append(try resolve(branch, pair.wanted)) }
      return .union(places)
    }
    if case .union(let branches) = to.shape { return try branch(of: branches, for: pair.written) }
    if let step = converted(from, to) { return step }
    switch (from.shape, to.shape) {
    case (.array(let items), .array(let wantedItems)): return .array(try resolve(items, wantedItems))
    case (.map(let values), .map(let wantedValues)): return .map(try resolve(values, wantedValues))
    case (.enumeration(let mine), .enumeration(let theirs)) where theirs.name.means(mine.name):
      return .enumeration(mine.symbols.map { theirs.symbols.contains($0) ? $0 : theirs.fallback })
    case (.record(let mine), .record(let theirs)) where pair == roots || theirs.name.means(mine.name):
      return try record(mine, theirs)
    default: return .impossible("\(Self.name(from)) was written where \(Self.name(to)) is wanted")
    }
  }

  /// The branch of the wanted union that takes what was written: one of its own kind before one it can be turned into.
  private mutating func branch(of branches: [Int], for from: Int) throws(AvroFault) -> AvroPlan.Step {
    let kind = written[from].kind
    let same = branches.filter { wanted[$0].kind == kind }
    for branch in same + branches.filter({ wanted[$0].kind != kind }) {
      let place = try resolve(from, branch)
      if case .impossible = steps[place] { continue }
      return steps[place]
    }
    return .impossible("\(Self.name(written[from])) was written where the union has no place for it")
  }

  // MARK: Single values

  private func converted(_ from: AvroType, _ to: AvroType) -> AvroPlan.Step? {
    if case .decimal(_, let scale) = to.logical { return decimal(from, scale: scale) }
    switch (from.shape, to.shape) {
    case (.null, .null): return .null
    case (.boolean, .boolean): return .boolean
    case (.int, .int), (.int, .long): return .int
    case (.long, .long): return timestamp(from, to)
    case (.int, .float), (.int, .double): return .wholeAsNumber(isInt: true)
    case (.long, .float), (.long, .double): return .wholeAsNumber(isInt: false)
    case (.float, .float), (.float, .double): return .float
    case (.double, .double): return .double
    case (.bytes, .bytes): return .bytes
    case (.string, .string): return .text
    case (.bytes, .string): return .bytesAsText
    case (.string, .bytes): return .textAsBytes
    case (.fixed(let mine), .fixed(let theirs)) where mine.size == theirs.size && theirs.name.means(mine.name):
      return .fixed(mine.size)
    default: return nil
    }
  }

  private func timestamp(_ from: AvroType, _ to: AvroType) -> AvroPlan.Step {
    guard case .timestamp(let mine) = from.logical, case .timestamp(let theirs) = to.logical, mine != theirs else {
      return .long
    }
    return theirs.rawValue > mine.rawValue
      ? .timestamp(times: theirs.rawValue / mine.rawValue, through: 1)
      : .timestamp(times: 1, through: mine.rawValue / theirs.rawValue)
  }

  private func decimal(_ from: AvroType, scale: Int) -> AvroPlan.Step {
    switch (from.logical, from.shape) {
    case (.decimal(_, let written), .fixed(let fixed)): return .decimal(size: fixed.size, digits: scale - written)
    case (.decimal(_, let written), _): return .decimal(size: nil, digits: scale - written)
    case (nil, .float): return .numberAsDecimal(isFloat: true, scale: scale)
    case (nil, .double): return .numberAsDecimal(isFloat: false, scale: scale)
    case (nil, .int): return .wholeAsDecimal(isInt: true, scale: scale)
    case (nil, .long): return .wholeAsDecimal(isInt: false, scale: scale)
    default: return .impossible("\(Self.name(from)) was written where a decimal is wanted")
    }
  }

  // MARK: Records

  private mutating func record(
    _ mine: AvroType.Record, _ theirs: AvroType.Record
  ) throws(AvroFault) -> AvroPlan.Step {
    var result = AvroPlan.RecordStep(start: Array(repeating: .null, count: theirs.fields.count))
    var filled = Set<Int>()
    for field in mine.fields {
      let slot =
        theirs.fields.firstIndex { $0.name == field.name }
        ?? theirs.fields.firstIndex { $0.aliases.contains(field.name) }
      guard let slot, filled.insert(slot).inserted else {
        result.fields.append(.init(step: try skipped(field.type), slot: nil))
        continue
      }
      result.fields.append(.init(step: try resolve(field.type, theirs.fields[slot].type), slot: slot))
    }
    for (slot, field) in theirs.fields.enumerated() where !filled.contains(slot) {
      guard let fallback = field.fallback else {
        return .impossible("\(theirs.name.last) was written without its field \(field.name)")
      }
      result.start[slot] = try AvroDefault(types: wanted).value(fallback, of: field.type, depth: 0)
    }
    return .record(result)
  }

  /// Reads a value of the written schema as it is. Such steps are known under a negative place.
  private mutating func skipped(_ type: Int) throws(AvroFault) -> Int {
    let pair = Pair(written: type, wanted: -1)
    if let place = known[pair] { return place }
    guard depth < Self.deepest else { throw AvroFault("its types are nested more than \(Self.deepest) deep") }
    let place = steps.count
    steps.append(.same(place))
    known[pair] = place
    depth += 1
    steps[place] = try skippedStep(written[type])
    depth -= 1
    return place
  }

  private mutating func skippedStep(_ type: AvroType) throws(AvroFault) -> AvroPlan.Step {
    switch type.shape {
    case .array(let items): return .array(try skipped(items))
    case .map(let values): return .map(try skipped(values))
    case .union(let branches):
      var places: [Int] = []
      for branch in branches { places.append(try skipped(branch)) }
      return .union(places)
    case .record(let record):
      var step = AvroPlan.RecordStep(start: [])
      for field in record.fields { step.fields.append(.init(step: try skipped(field.type), slot: nil)) }
      return .record(step)
    case .enumeration(let enumeration): return .enumeration(enumeration.symbols)
    case .fixed(let fixed): return .fixed(fixed.size)
    default: return converted(AvroType(shape: type.shape), AvroType(shape: type.shape)) ?? .null
    }
  }

  private static func name(_ type: AvroType) -> String {
    switch type.shape {
    case .record(let record): "record \(record.name.full)"
    case .enumeration(let enumeration): "enum \(enumeration.name.full)"
    case .fixed(let fixed): "fixed \(fixed.name.full)"
    default: type.kind
    }
  }
}

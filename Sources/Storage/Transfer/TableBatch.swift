/// Some rows of a table, by column.
package struct TableBatch: Hashable, Sendable {
  package let count: Int
  package let columns: [ColumnValues]

  package init(count: Int, columns: [ColumnValues]) {
    precondition(columns.allSatisfy { $0.count == count }, "columns of one table are equally long")
    (self.count, self.columns) = (count, columns)
  }
}

/// The values of one column; where one is null, zero or an empty text stands in its place.
package struct ColumnValues: Hashable, Sendable {
  package enum Storage: Hashable, Sendable {
    /// Of booleans, whole numbers, times in microseconds and dates in days since 1970; the bits of unsigned ones.
    case words([Int64])
    /// Of decimals: the value times a power of ten.
    case units([Int128])
    case doubles([Double])
    case texts([String])
  }

  package let kind: ColumnKind
  package let storage: Storage
  /// Empty if there is no null.
  package let nulls: [Bool]

  package init(_ kind: ColumnKind, _ storage: Storage, nulls: [Bool] = []) {
    (self.kind, self.storage) = (kind, storage)
    self.nulls = nulls.contains(true) ? nulls : []
    precondition(kind.matches(storage), "\(kind) is not kept like that")
    precondition(self.nulls.isEmpty || self.nulls.count == count, "a flag for each value")
  }

  package var count: Int {
    switch storage {
    case .words(let values): values.count
    case .units(let values): values.count
    case .doubles(let values): values.count
    case .texts(let values): values.count
    }
  }

  package func isNull(_ row: Int) -> Bool { !nulls.isEmpty && nulls[row] }

  /// The same values as another kind; `nil` if one of them has no place in it.
  package func converted(to other: ColumnKind) -> ColumnValues? {
    guard kind != other else { return self }
    guard kind.canBecome(other) else { return nil }
    guard let scale = kind.scale, let wanted = other.scale else {
      return ColumnValues(other, storage, nulls: nulls)
    }
    let numbers = wholeNumbers
    var moved: [Int128] = []
    moved.reserveCapacity(count)
    for number in numbers {
      guard let value = Self.rescaled(number, from: scale, to: wanted) else { return nil }
      moved.append(value)
    }
    return Self.column(other, moved, nulls)
  }

  private var wholeNumbers: [Int128] {
    switch storage {
    case .units(let values): values
    case .words(let values) where kind == .unsigned: values.map { Int128(UInt64(bitPattern: $0)) }
    case .words(let values): values.map { Int128($0) }
    case .doubles, .texts: []
    }
  }

  private static func column(_ kind: ColumnKind, _ values: [Int128], _ nulls: [Bool]) -> ColumnValues? {
    if case .decimal = kind { return ColumnValues(kind, .units(values), nulls: nulls) }
    let words = values.map {
      kind == .unsigned ? UInt64(exactly: $0).map { Int64(bitPattern: $0) } : Int64(exactly: $0)
    }
    guard !words.contains(nil) else { return nil }
    return ColumnValues(kind, .words(words.compactMap(\.self)), nulls: nulls)
  }

  /// Digits are only added, or taken away where they are zeros.
  private static func rescaled(_ value: Int128, from scale: Int, to wanted: Int) -> Int128? {
    var value = value
    for _ in scale..<max(scale, wanted) {
      let (next, overflow) = value.multipliedReportingOverflow(by: 10)
      guard !overflow else { return nil }
      value = next
    }
    for _ in wanted..<max(scale, wanted) {
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
      guard remainder == 0 else { return nil }
      value = quotient
    }
    return value
  }
}

extension ColumnKind {
  fileprivate func matches(_ storage: ColumnValues.Storage) -> Bool {
    switch (self, storage) {
    case (.decimal, .units), (.double, .doubles), (.text, .texts), (.json, .texts): true
    case (.boolean, .words), (.integer, .words), (.unsigned, .words), (.instant, .words), (.wallTime, .words),
      (.date, .words):
      true
    default: false
    }
  }

  /// Of numbers that have no more digits than they say; `nil` for everything else.
  fileprivate var scale: Int? {
    switch self {
    case .integer, .unsigned: 0
    case .decimal(let scale): scale
    default: nil
    }
  }
}

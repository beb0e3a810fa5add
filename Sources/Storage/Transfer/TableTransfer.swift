/// Carries every table of a source into an empty store, whole or not at all, and proves that they arrived.
package struct TableTransfer {
  package struct Progress: Hashable, Sendable {
    /// Written, and then read back.
    package var rows = 0
    package var total = 0
  }

  package struct Report: Hashable, Sendable {
    package struct Table: Hashable, Sendable {
      package let name: String
      package let rows: Int
    }

    package internal(set) var tables: [Table] = []

    package var rows: Int { tables.reduce(0) { $0 + $1.rows } }
  }

  private let source: any TableSource
  private let store: any Transferable
  private let note: (Progress) throws -> Void
  private var progress = Progress()

  /// - Parameter note: hears how far it is; an error from it ends everything.
  package static func run(
    from source: any TableSource, into store: any Transferable, note: (Progress) throws -> Void = { _ in }
  ) throws -> Report {
    try withoutActuallyEscaping(note) { note in
      var transfer = TableTransfer(source, store, note)
      return try transfer.run()
    }
  }

  private init(
    _ source: any TableSource, _ store: any Transferable, _ note: @escaping (Progress) throws -> Void
  ) {
    (self.source, self.store, self.note) = (source, store, note)
  }

  private mutating func run() throws -> Report {
    let tables = try source.tables()
    progress.total = try 2 * tables.reduce(0) { try $0 + source.rows(of: $1) }
    return try store.fill { filler in
      try Self.refuseContents(of: filler)
      let plans = try Self.plans(for: tables, from: source, into: filler)
      var report = Report()
      for plan in plans {
        let written = try write(plan, into: filler)
        guard try readBack(plan, from: filler) == written else {
          throw TransferError.differs(store: filler.name, table: plan.source.name)
        }
        report.tables.append(.init(name: plan.source.name, rows: written.rows))
      }
      return report
    }
  }

  private static func refuseContents(of filler: any TableFiller) throws {
    for table in try filler.tables() {
      let rows = try filler.rows(of: table)
      guard rows == 0 else { throw TransferError.notEmpty(store: filler.name, table: table.name, rows: rows) }
    }
  }

  // MARK: One table

  /// A table of the source and the columns of the destination that take its columns, in the source's order.
  private struct Plan {
    let source: StoredTable
    let destination: StoredTable

    /// As what both are compared: a text that becomes JSON may come back in other words.
    var compared: StoredTable {
      let columns = zip(source.columns, destination.columns).map { from, to in
        from.kind == .text && to.kind == .json ? StoredColumn(from.name, .json) : from
      }
      return StoredTable(name: source.name, columns: columns)
    }
  }

  private static func plans(
    for tables: [StoredTable], from source: any TableSource, into filler: any TableFiller
  ) throws -> [Plan] {
    let known = Dictionary(uniqueKeysWithValues: try filler.tables().map { ($0.name, $0) })
    return try tables.compactMap { table in
      guard let destination = known[table.name] else {
        guard try source.rows(of: table) > 0 else { return nil }
        throw TransferError.unknownTable(store: filler.name, source: source.name, table: table.name)
      }
      let columns = try table.columns.map { column in
        guard let taker = destination.columns.first(where: { $0.name == column.name }),
          column.kind.canBecome(taker.kind)
        else {
          throw TransferError.unknownColumn(
            store: filler.name, source: source.name, column: "\(table.name).\(column.name) (\(column.kind))")
        }
        return taker
      }
      return Plan(source: table, destination: StoredTable(name: table.name, columns: columns))
    }
  }

  private mutating func write(_ plan: Plan, into filler: any TableFiller) throws -> ContentDigest {
    let sink = try filler.sink(into: plan.destination.name, plan.destination.columns)
    var digest = ContentDigest()
    let compared = plan.compared
    try source.read(plan.source) { batch in
      digest.add(try Self.converted(batch, plan.source, to: compared, store: filler.name))
      try sink.append(try Self.converted(batch, plan.source, to: plan.destination, store: filler.name))
      try advance(batch.count)
    }
    try sink.finish()
    try filler.settle(plan.destination)
    return digest
  }

  private mutating func readBack(_ plan: Plan, from filler: any TableFiller) throws -> ContentDigest {
    var digest = ContentDigest()
    let compared = plan.compared
    try filler.read(plan.destination) { batch in
      digest.add(try Self.converted(batch, plan.destination, to: compared, store: filler.name))
      try advance(batch.count)
    }
    return digest
  }

  private static func converted(
    _ batch: TableBatch, _ from: StoredTable, to other: StoredTable, store: String
  ) throws -> TableBatch {
    guard from.columns.map(\.kind) != other.columns.map(\.kind) else { return batch }
    var columns: [ColumnValues] = []
    for (values, column) in zip(batch.columns, other.columns) {
      guard let converted = values.converted(to: column.kind) else {
        throw TransferError.doesNotFit(
          store: store, column: "\(other.name).\(column.name)", reason: "a value is no \(column.kind)")
      }
      columns.append(converted)
    }
    return TableBatch(count: batch.count, columns: columns)
  }

  private mutating func advance(_ rows: Int) throws {
    progress.rows += rows
    try note(progress)
  }
}
